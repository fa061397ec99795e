import { type JsonNode, type JsonNodeOf, type Place, TextError } from '../json-text.ts';

/** EventBridge compares numbers within ±5.0e9, with six digits after the decimal point. */
const largest = 5e9;
const digits = 6;
const millionth = 10 ** digits;

type Comparison = (value: number, operand: number) => boolean;

const comparisons: Readonly<Record<string, Comparison>> = {
  '=': (value, operand) => value === operand,
  '<': (value, operand) => value < operand,
  '<=': (value, operand) => value <= operand,
  '>': (value, operand) => value > operand,
  '>=': (value, operand) => value >= operand,
};

/**
 * `["=", 3.018e2]`, `["<", 10]` or a range: `[">", 0, "<=", 5]`.
 *
 * @throws TextError
 */
export function compileNumeric(node: JsonNode): (value: number) => boolean {
  if (node.kind !== 'list') throw new TextError(node, 'expected a list: an operator and a number');
  const [firstOperator, firstOperand, secondOperator, secondOperand, ...others] = node.items;
  const low = comparisonOf(firstOperator, Object.keys(comparisons), node);
  const bottom = millionthsOf(operandOf(firstOperand, node));
  if (secondOperator === undefined) return (value) => isComparable(value) && low(toMillionths(value), bottom);

  const operator = firstOperator?.kind === 'text' ? firstOperator.text : '';
  if (!operator.startsWith('>')) throw new TextError(secondOperator, 'only ">" and ">=" begin a range');
  const high = comparisonOf(secondOperator, ['<', '<='], node);
  const top = millionthsOf(operandOf(secondOperand, node));
  if (others[0] !== undefined) throw new TextError(others[0], 'a range has two operators and two numbers');
  if (bottom >= top) throw new TextError(secondOperand ?? node, 'the range holds no number');
  return (value) => {
    if (!isComparable(value)) return false;
    const millionths = toMillionths(value);
    return low(millionths, bottom) && high(millionths, top);
  };
}

function comparisonOf(node: JsonNode | undefined, allowed: readonly string[], list: Place): Comparison {
  const comparison =
    node?.kind === 'text' && allowed.includes(node.text) ? comparisons[node.text] : undefined;
  if (comparison !== undefined) return comparison;
  throw new TextError(node ?? list, `expected ${allowed.map((text) => `"${text}"`).join(', ')}`);
}

function operandOf(node: JsonNode | undefined, list: Place): JsonNodeOf<'number'> {
  if (node?.kind === 'number') return node;
  throw new TextError(node ?? list, 'expected a number after the operator');
}

function millionthsOf(node: JsonNodeOf<'number'>): number {
  if (!isComparable(node.number))
    throw new TextError(node, 'expected a number from -5.0e9 to 5.0e9, as EventBridge compares no others');
  const millionths = toMillionths(node.number);
  if (millionths / millionth !== node.number)
    throw new TextError(node, `expected at most ${digits} digits after the decimal point`);
  return millionths;
}

function isComparable(value: number): boolean {
  return value >= -largest && value <= largest;
}

/** At most 5e15, which is exact. */
function toMillionths(value: number): number {
  return Math.round(value * millionth);
}
