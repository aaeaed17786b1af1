/** docs/kubernetes: every manifest, every value and every link in it is right. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';

import { load, loadAll } from 'js-yaml';

import { CHART } from '../../charts/tools/helm.ts';
import { type Schema, valuesSchema } from '../../charts/tools/values-schema.ts';
import { documentedValues } from '../../charts/tools/values.ts';
import { API_VERSION } from '../../src/api/group.ts';
import { parseObject } from '../../src/api/parse.ts';
import { rightsOf } from './rights.ts';
import { needsHelm, rendered } from './stage.ts';

const ROOT = join(import.meta.dirname, '../..');
const DIRECTORY = join(ROOT, 'docs/kubernetes');
const pages = [
  ...readdirSync(DIRECTORY).map((file) => join(DIRECTORY, file)),
  join(CHART, 'README.md'),
  ...['11-gitops', '12-kubernetes', '23-managed-instances'].map((name) => join(ROOT, 'examples', name, 'README.md')),
].map((path) => ({ path, text: readFileSync(path, 'utf8') }));

const blocks = pages.flatMap(({ path, text }) =>
  [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, yaml = '']) => ({ path, yaml })),
);
const ofValues = blocks.filter(({ yaml }) => yaml.startsWith('# values.yaml\n'));

const schema = valuesSchema(documentedValues(readFileSync(join(CHART, 'values.yaml'), 'utf8')));

/** Whether the chart has such a value: `proxy.service.ports`. */
function isValue(name: string): boolean {
  let at: Schema | undefined = schema;
  for (const key of name.split('.')) at = at?.properties?.[key];
  return at !== undefined;
}

describe('docs/kubernetes', () => {
  it('every object of ours in it is one', () => {
    const own = blocks.flatMap(({ path, yaml }) =>
      (loadAll(yaml) as { apiVersion?: string }[])
        .filter((object) => object?.apiVersion === API_VERSION)
        .map((object) => ({ path, object })),
    );
    assert.ok(own.length >= 7);
    for (const { path, object } of own) {
      const parsed = parseObject(object);
      assert.ok(parsed.ok, `${path}: ${JSON.stringify(parsed)}`);
    }
  });

  it('every file of values in it renders', needsHelm, () => {
    assert.ok(ofValues.length >= 8);
    for (const { path, yaml } of ofValues) {
      assert.doesNotThrow(() => rendered(load(yaml) as object), path);
    }
  });

  it('every value that it names is there', () => {
    const top = Object.keys(schema.properties ?? {}).join('|');
    let found = 0;
    for (const { path, text } of pages) {
      const named = [
        ...text.matchAll(new RegExp(`\`((?:${top})(?:\\.[A-Za-z]+)+)`, 'g')),
        ...text.matchAll(/--set ([A-Za-z.]+)=/g),
      ];
      for (const [, name = ''] of named) {
        assert.ok(isValue(name), `${path}: ${name}`);
        found++;
      }
    }
    assert.ok(found > 20);
  });

  it('every link leads somewhere', () => {
    for (const { path, text } of pages) {
      for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
        if (/^https?:/.test(target)) continue;
        assert.ok(existsSync(join(dirname(path), target)), `${path}: ${target}`);
      }
    }
  });

  it('security.md lists every right of the chart', needsHelm, () => {
    const page = readFileSync(join(DIRECTORY, 'security.md'), 'utf8');
    for (const { resource, names } of rightsOf(rendered({}, { release: 'tcpvs' }))) {
      const words = names ?? [resource.replace(/\/.*/, '')];
      for (const word of words) assert.ok(page.includes(word), word);
    }
  });
});
