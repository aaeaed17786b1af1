/**
 * `make fuzz ARGS='--iterations 1000000 --seed 1'`: inputs by grammar and mutation through the codec in process, a
 * smaller number through real sockets, and the pattern engine. Failing inputs are printed with the seed and kept under
 * `.cache/fuzz`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { type CodecFailure, fuzzCodec } from './codec.ts';
import { fuzzPatterns } from './pattern.ts';
import { fuzzSockets } from './sockets.ts';

const KEPT = join(import.meta.dirname, '../../.cache/fuzz');

const { values } = parseArgs({
  options: {
    iterations: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const iterations = Number(values.iterations);
const seed = Number(values.seed);

function report(failures: readonly CodecFailure[]): void {
  if (failures.length === 0) return;
  mkdirSync(KEPT, { recursive: true });
  for (const [index, { kind, input, what }] of failures.entries()) {
    const file = join(KEPT, `${kind}-${seed}-${index}`);
    writeFileSync(file, Buffer.from(input, 'latin1'));
    console.error(`${kind} (seed ${seed}): ${JSON.stringify(input)}\n  ${what}\n  kept as ${file}`);
  }
}

console.log(`seed ${seed}`);
const codec = fuzzCodec(iterations, seed);
report(codec.failures);
console.log(`codec: ${codec.inputs} inputs, ${codec.failures.length} failures`);

const sockets = await fuzzSockets(Math.ceil(iterations / 100), seed);
report(sockets.failures);
console.log(`sockets: ${sockets.inputs} inputs, ${sockets.failures.length} failures`);

let patterns = 0;
const patternFailures: CodecFailure[] = [];
try {
  patterns = fuzzPatterns(Math.ceil(iterations / 10), seed).iterations;
} catch (error) {
  patternFailures.push({ kind: 'pattern', input: '', what: String(error) });
}
report(patternFailures);
console.log(`patterns: ${patterns} inputs, ${patternFailures.length} failures`);

const inputs = codec.inputs + sockets.inputs + patterns;
const failed = codec.failures.length + sockets.failures.length + patternFailures.length;
console.log(`${inputs} inputs, ${failed} failures`);
process.exit(failed === 0 ? 0 : 1);
