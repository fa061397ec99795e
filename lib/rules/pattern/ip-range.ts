/** An IPv4 or IPv6 address as a number. */
interface Address {
  readonly bits: 32 | 128;
  readonly number: bigint;
}

/**
 * The test of a range of addresses: `10.0.0.0/24`, `2001:db8::/32`; undefined: `written` is none. A
 * range of one family holds no address of the other.
 */
export function compileIpRange(written: string): ((value: string) => boolean) | undefined {
  const [, text = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(written) ?? [];
  const base = addressOf(text);
  const prefixBits = Number(length);
  if (base === undefined || prefixBits > base.bits) return undefined;
  const hostBits = BigInt(base.bits - prefixBits);
  const network = base.number >> hostBits;
  return (value) => {
    const address = addressOf(value);
    return address?.bits === base.bits && address.number >> hostBits === network;
  };
}

const longestAddress = '0000:0000:0000:0000:0000:ffff:255.255.255.255'.length;

function addressOf(text: string): Address | undefined {
  if (text.length > longestAddress) return undefined;
  const number = text.includes(':') ? ipv6Of(text) : ipv4Of(text);
  return number === undefined ? undefined : { bits: text.includes(':') ? 128 : 32, number };
}

function ipv4Of(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    return undefined;
  return joined(parts.map(BigInt), 8n);
}

/** RFC 4291 section 2.2: groups, `::` once, and IPv4 at the end. */
function ipv6Of(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [left, right] = halves.map((half, index) => groupsOf(half, index === halves.length - 1));
  if (left === undefined || (halves.length === 2 && right === undefined)) return undefined;
  const missing = 8 - left.length - (right?.length ?? 0);
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return joined([...left, ...Array<bigint>(missing).fill(0n), ...(right ?? [])], 16n);
}

function groupsOf(half: string, isLast: boolean): bigint[] | undefined {
  if (half === '') return [];
  const parts = half.split(':');
  const ipv4 = isLast && parts.at(-1)?.includes('.') ? ipv4Of(parts.pop() ?? '') : 0n;
  if (ipv4 === undefined || !parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return undefined;
  const groups = parts.map((part) => BigInt(`0x${part}`));
  return half.includes('.') ? [...groups, ipv4 >> 16n, ipv4 & 0xffffn] : groups;
}

function joined(parts: readonly bigint[], bits: bigint): bigint {
  return parts.reduce((number, part) => (number << bits) | part, 0n);
}
