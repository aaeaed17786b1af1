/** Golden files: `golden/NAME.in.yaml` → snapshot and statuses in `golden/NAME.out.yaml`. A new case is new files. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { dump, load } from 'js-yaml';

import { checkPattern } from './check-pattern.ts';
import { toState, type GoldenCase } from './golden-state.ts';
import { translate } from './translate.ts';

const directory = `${import.meta.dirname}/golden`;
const names = readdirSync(directory)
  .filter((file) => file.endsWith('.in.yaml'))
  .map((file) => file.slice(0, -'.in.yaml'.length));

for (const name of names) {
  void test(`golden: ${name}`, (t) => {
    const input = load(readFileSync(`${directory}/${name}.in.yaml`, 'utf8')) as GoldenCase;
    const { snapshot, statuses } = translate(toState(input), { checkPattern });
    const text = dump({ snapshot, statuses }, { noRefs: true, lineWidth: -1 });
    t.assert.fileSnapshot(text, `${directory}/${name}.out.yaml`, { serializers: [(value: string) => value] });
  });
}

void test('there are golden cases, and none without its answer', () => {
  const answers = readdirSync(directory).filter((file) => file.endsWith('.out.yaml'));
  assert.ok(names.length >= 25);
  assert.deepEqual(answers.toSorted(), names.map((name) => `${name}.out.yaml`).toSorted());
});
