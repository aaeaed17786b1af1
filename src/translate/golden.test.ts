/** Golden files: `golden/NAME.in.yaml` → snapshot and statuses in `golden/NAME.out.yaml`. A new case is new files. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { dump, load } from 'js-yaml';

import { kindInfos } from '../api/kinds.ts';
import type { ObjectStatus } from '../model/status.ts';
import { checkPattern } from './check-pattern.ts';
import { toState, type GoldenCase } from './golden-state.ts';
import { translate } from './translate.ts';

const directory = `${import.meta.dirname}/golden`;
const names = readdirSync(directory)
  .filter((file) => file.endsWith('.in.yaml'))
  .map((file) => file.slice(0, -'.in.yaml'.length));

/** Golden cases have no real certificates: what is not called good is bad. */
const goodness = (...texts: string[]): string | null => (texts.every((text) => text === 'good') ? null : 'is not good');
const checkCertificates = { pair: goodness, authorities: goodness };

for (const name of names) {
  void test(`golden: ${name}`, (t) => {
    const input = load(readFileSync(`${directory}/${name}.in.yaml`, 'utf8')) as GoldenCase;
    const { snapshot, statuses } = translate(toState(input), { checkPattern, checkCertificates });
    const text = dump({ snapshot, statuses }, { noRefs: true, lineWidth: -1 });
    for (const status of statuses) checkStatus(status);
    t.assert.fileSnapshot(text, `${directory}/${name}.out.yaml`, { serializers: [(value: string) => value] });
  });
}

/** A status is one that the API takes, once its conditions have their times. */
const checkStatus = ({ kind, observedGeneration, conditions, details }: ObjectStatus): void => {
  const written = withTimes({ observedGeneration, conditions, ...details });
  const parsed = kindInfos[kind].status.safeParse(written);
  assert.ok(parsed.success, parsed.error?.message ?? '');
};

const withTimes = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withTimes);
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([key, each]) => [key, withTimes(each)]),
  );
  return 'reason' in copy ? { ...copy, lastTransitionTime: '2026-01-01T00:00:00Z' } : copy;
};

void test('there are golden cases, and none without its answer', () => {
  const answers = readdirSync(directory).filter((file) => file.endsWith('.out.yaml'));
  assert.ok(names.length >= 25);
  assert.deepEqual(answers.toSorted(), names.map((name) => `${name}.out.yaml`).toSorted());
});
