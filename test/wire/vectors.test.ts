import { describe, expect, it } from 'vitest';
import * as wire from '../../lib/wire/index.ts';
import { bytesOf, hexOf, textOf, vectors } from './vectors.ts';

/** With bytes as hexadecimal digits. */
function plain(frame: object): object {
  const { message, ...fields } = frame as { message?: string; bytes?: Uint8Array; kind: string };
  const bytes = fields.bytes && { bytes: hexOf(fields.bytes) };
  return { ...fields, ...bytes, ...(fields.kind === 'error' && { message }) };
}

function expected(frame: { bytes?: Parameters<typeof bytesOf>[0]; kind: string }): object {
  return { ...frame, ...(frame.bytes && { bytes: hexOf(bytesOf(frame.bytes)) }) };
}

describe('the constants', () => {
  it('are those of the specification', () => {
    expect(vectors.limits).toEqual({
      maxFrameBytes: wire.maxFrameBytes,
      maxPacketBytes: wire.maxPacketBytes,
      maxChunkCount: wire.maxChunkCount,
      maxUnfinishedPackets: wire.maxUnfinishedPackets,
      replyTimeoutMs: wire.replyTimeoutMs,
      heartbeatMs: wire.heartbeatMs,
      spacingMs: wire.spacingMs,
      acknowledgementPauseMs: wire.acknowledgementPauseMs,
      maxOneWayFrames: wire.maxOneWayFrames,
    });
    expect(vectors.closeCodes).toEqual({
      gatewayError: wire.gatewayErrorCloseCode,
      replyTimeout: wire.replyTimeoutCloseCode,
      badServerFrame: wire.badServerFrameCloseCode,
      badPacket: wire.badPacketCloseCode,
    });
    expect(vectors.profile).toBe(wire.subprotocol);
  });
});

describe('base64', () => {
  it.each(vectors.base64)('$text', ({ bytes, text }) => {
    expect(wire.encodeBase64(bytesOf(bytes))).toBe(text);
    expect(hexOf(wire.decodeBase64(text))).toBe(hexOf(bytesOf(bytes)));
  });
  it.each(vectors.invalidBase64)('refuses: $name', ({ text }) => {
    expect(wire.decodeBase64(text)).toBeUndefined();
  });
});

describe('frames', () => {
  it.each(vectors.clientFrames)('from a client: $name', ({ text, expect: frame }) => {
    expect(plain(wire.decodeClientFrame(textOf(text)))).toEqual(expected(frame));
  });
  it.each(vectors.oneWayFrames)('one-way from a client: $name', ({ text, expect: frame }) => {
    expect(plain(wire.decodeOneWay(textOf(text)))).toEqual(expected(frame));
  });
  it('that are one-way fit into 32 KB', () => {
    const text = wire.encodeOneWay(new Uint8Array(wire.maxFrameBytes));
    expect(text.length).toBe(32_032);
    expect(wire.decodeOneWay(text)).toMatchObject({ kind: 'packets' });
  });
  it.each(vectors.serverFrames)('from the server: $name', ({ text, expect: frame }) => {
    expect(plain(wire.decodeServerFrame(textOf(text)))).toEqual(expected(frame));
  });
});

describe('packets', () => {
  it.each(vectors.splitPackets)('split: $name', ({ bytes, packets, rest, error }) => {
    const split = wire.splitPackets(bytesOf(bytes));
    expect(split.packets.map(hexOf)).toEqual(packets.map((packet) => hexOf(bytesOf(packet))));
    expect(hexOf(split.rest)).toBe(hexOf(bytesOf(rest)));
    expect(split.error?.code).toBe(error);
  });
  it.each(vectors.batches)('batch: $name', ({ sizes, batches }) => {
    const result = wire.batchPackets(sizes.map((size) => new Uint8Array(size)));
    expect(result.map((batch) => batch.map((packet) => packet.length))).toEqual(batches);
  });
});

describe('chunks', () => {
  it.each(vectors.chunks)('encode: $name', ({ id, bytes, texts }) => {
    expect(wire.encodeChunks(id, bytesOf(bytes))).toEqual(texts.map(textOf));
  });
  it.each(vectors.assembly)('assemble: $name', ({ texts, results }) => {
    const assembler = new wire.ChunkAssembler();
    const assembled = texts.map((text) => {
      const chunk = wire.decodeServerFrame(textOf(text));
      const result = chunk.kind === 'chunk' ? assembler.accept(chunk) : chunk;
      if (result.kind === 'invalid') return { error: result.code };
      return result.kind === 'packet' ? hexOf(result.bytes) : result.kind;
    });
    const wanted = results.map((result) =>
      result === 'pending' || (typeof result === 'object' && 'error' in result)
        ? result
        : hexOf(bytesOf(result)),
    );
    expect(assembled).toEqual(wanted);
  });
});
