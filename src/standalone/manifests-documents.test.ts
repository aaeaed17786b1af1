import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { documentParser } from './manifests-documents.ts';
import { parseManifests } from './manifests-parse.ts';
import type { ParsedFile } from './objects.ts';

/** As the source takes them. */
const manifests = (text: string, file: string): ParsedFile => {
  const { objects, secrets, faults } = parseManifests(file, text);
  return {
    objects: objects.map(({ raw, line }) => ({ object: raw, line })),
    secrets: secrets.map(({ key, secret }) => [key, secret]),
    faults,
  };
};

const server = (name: string, port: number) =>
  `apiVersion: tcpvs.io/v1alpha1\nkind: RealServer\nmetadata: { name: ${name} }\nspec:\n  address: 127.0.0.1\n  port: ${port}\n`;

const piece = fc.oneof(
  fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 79, max: 82 })).map(([name, port]) => server(name, port)),
  fc.constantFrom(
    '',
    '# a comment\n',
    '\n\n',
    'kind: Unknown\n',
    'x: [\n',
    `${server('d', 80)}...\n`,
    'v: |\n  text\n  --- not a document\n',
    'v: "\n  --- in quotes"\n',
    `apiVersion: v1\nkind: List\nitems:\n  - ${JSON.stringify({ apiVersion: 'tcpvs.io/v1alpha1', kind: 'RealServer', metadata: { name: 'e' }, spec: { address: '127.0.0.1', port: 1 } })}\n`,
  ),
);
const separator = fc.constantFrom('---\n', '--- # next\n', '---\r\n', '--- ', '----\n', ' ---\n', '%YAML 1.2\n---\n');
const text = fc
  .array(fc.tuple(separator, piece), { maxLength: 6 })
  .map((pieces) => pieces.map(([mark, content], index) => (index === 0 ? content : mark + content)).join(''));

test('whatever the texts of a file, one after another, the result is that of parsing it anew', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (texts) => {
      const parse = documentParser(manifests);
      for (const each of texts) assert.deepEqual(parse(each, 'f.yaml'), manifests(each, 'f.yaml'), each);
    }),
    { numRuns: 500 },
  );
});

test('only the documents that changed are parsed', () => {
  const parsed: string[] = [];
  const parse = documentParser((each, file) => {
    parsed.push(each);
    return manifests(each, file);
  });
  parse(`${server('a', 1)}---\n${server('b', 2)}`, 'f');
  const { objects } = parse(`# moved\n${server('a', 1)}---\n${server('b', 2)}---\n${server('c', 3)}`, 'f');
  assert.deepEqual(parsed.slice(2), [`# moved\n${server('a', 1)}`, `---\n${server('c', 3)}`]);
  assert.deepEqual(
    objects.map(({ line }) => line),
    [2, 9, 16],
  );
});
