import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { parseYaml } from '../yaml/parse-yaml.ts';
import { parseManifests } from './manifests-parse.ts';

const HEAD = 'apiVersion: tcpvs.io/v1alpha1\n';

/** `LINE:COLUMN: MESSAGE` of each fault. */
const faults = (text: string): string[] =>
  parseManifests('shop.yaml', text).faults.map(({ line, column, message }) => `${line}:${column}: ${message}`);

void test('several documents, the default namespace, and what was written', () => {
  const text = `# a comment
---
${HEAD}kind: RealServer
metadata: {name: web1, labels: {a: b}}
spec: {address: 10.0.0.11, port: 8080}
status: {conditions: []}
---
# nothing
---
${HEAD}kind: RealServer
metadata: {name: web2, namespace: shop}
spec: {address: 10.0.0.12, port: 8080}
`;
  const { objects, faults: none } = parseManifests('shop.yaml', text);
  assert.deepEqual(none, []);
  assert.deepEqual(
    objects.map(({ raw, line }) => [raw, line]),
    [
      [
        {
          apiVersion: 'tcpvs.io/v1alpha1',
          kind: 'RealServer',
          metadata: { name: 'web1', labels: { a: 'b' }, namespace: 'default' },
          spec: { address: '10.0.0.11', port: 8080 },
        },
        3,
      ],
      [
        {
          apiVersion: 'tcpvs.io/v1alpha1',
          kind: 'RealServer',
          metadata: { name: 'web2', namespace: 'shop' },
          spec: { address: '10.0.0.12', port: 8080 },
        },
        11,
      ],
    ],
  );
  assert.equal(objects[0]?.object.kind === 'RealServer' && objects[0].object.spec.weight, 1);
});

const digest = (text: string) => parseManifests('a', text).objects[0]?.digest;

void test('the digest is that of the content, not of the layout', () => {
  const one = `${HEAD}kind: RealServer\nmetadata: {name: a}\nspec: {address: 10.0.0.1, port: 80}\n`;
  const same = `kind: RealServer\n${HEAD}spec:\n  port: 80\n  address: "10.0.0.1"\nmetadata: {namespace: default, name: a}\n`;
  assert.equal(digest(one), digest(same));
  assert.notEqual(digest(one), digest(one.replace('80', '81')));
});

void test('a fault has the line and column of its field', () => {
  const text = `${HEAD}kind: TcpVirtualServer
metadata: {name: http, namespace: shop}
spec:
  listeners:
  - name: web
    port: 99999
  rules:
  - {name: a, app: x}
  - name: b
    app: y
    match:
      path: {type: Exakt, value: /x}
      metods: [GET]
`;
  assert.deepEqual(faults(text), [
    '7:5: TcpVirtualServer shop/http: spec.listeners[0].port: read 99999, expected an integer of at most 65535',
    '13:14: TcpVirtualServer shop/http: spec.rules[1].match.path.type: read "Exakt", expected one of "Exact", "Prefix", "Regex", "Pattern"',
    '14:7: TcpVirtualServer shop/http: spec.rules[1].match.metods: read an unknown field, expected a known field; nearest is "methods"',
  ]);
});

void test('what is missing is where it would stand', () => {
  assert.deepEqual(faults(`---\n${HEAD}kind: RealServer\nmetadata: {namespace: shop}\nspec: {address: a, port: 1}\n`), [
    '4:1: RealServer shop/(no name): metadata.name: read nothing, expected a string',
  ]);
});

void test('keys in quotes, comments and block texts do not mislead the lines', () => {
  const text = `${HEAD}kind: RealServer
metadata:
  name: web1
  annotations:
    note: |
      spec:
        port: 1
# port: 2
"spec":
  'address': 10.0.0.1 # here
  "port": none
`;
  assert.deepEqual(faults(text), ['12:3: RealServer default/web1: spec.port: read "none", expected a number']);
});

void test('an unknown kind or version names what is known', () => {
  assert.match(faults(`${HEAD}kind: RealSever\nmetadata: {name: a}\n`)[0] ?? '', /^2:1: .*nearest is "RealServer"/);
  assert.match(
    faults('apiVersion: v1\nkind: Service\n')[0] ?? '',
    /^1:1: .*expected "tcpvs.io\/v1alpha1" \(or "v1" for a Secret\)/,
  );
  assert.match(faults('just a text')[0] ?? '', /^1:1: .*read "just a text", expected an object/);
});

void test('what is no YAML says where', () => {
  assert.match(faults('a: [1,\n b: }')[0] ?? '', /^2:5: read "b: }", expected YAML: missed comma/);
  assert.match(faults('a: 1\nb: 2\na: 3\n')[0] ?? '', /^3:1: read "a: 3", expected YAML: duplicated mapping key/);
  assert.match(faults('a: *nowhere')[0] ?? '', /^1:\d+: .*nowhere/);
});

const item = (name: string, port: number) =>
  `{"apiVersion": "tcpvs.io/v1alpha1", "kind": "RealServer", "metadata": {"name": "${name}"},\n\t"spec": {"address": "10.0.0.1", "port": ${port}}}`;

void test('JSON is read, with tabs too; a List is its items, each with its line', () => {
  const text = `{"apiVersion": "v1", "kind": "List", "items": [\n${item('a', 80)},\n${item('b', 0)}]}`;
  const { objects } = parseManifests('list.json', text);
  assert.deepEqual(
    objects.map(({ object, line }) => [object.metadata.name, line]),
    [['a', 2]],
  );
  assert.match(faults(text)[0] ?? '', /^5:34: RealServer default\/b: spec.port: read 0/);
});

void test('a kustomization is skipped', () => {
  const read = parseManifests('k.yaml', 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n');
  assert.deepEqual(read, { objects: [], secrets: [], faults: [] });
});

const pem = (label: string) => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`;

void test('Secrets of type kubernetes.io/tls are taken, encoded or as text', () => {
  const encoded = Buffer.from(pem('CERTIFICATE')).toString('base64');
  const key = pem('PRIVATE KEY').replaceAll('\n', '\n    ');
  const text = `apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata: {name: shop-tls, namespace: shop}
data: {tls.crt: ${encoded}}
stringData:
  tls.key: |
    ${key}
`;
  const { secrets } = parseManifests('s.yaml', text);
  assert.deepEqual(
    secrets.map(({ key: name, secret: found }) => [name, found.certificate, found.key?.trim()]),
    [['shop/shop-tls', pem('CERTIFICATE'), pem('PRIVATE KEY').trim()]],
  );
});

void test('a Secret of another type is taken for its authorities', () => {
  const text = `type: Opaque\nstringData:\n  ca.crt: |\n    ${pem('CERTIFICATE').trim().replaceAll('\n', '\n    ')}\n`;
  const { secrets } = parseManifests('s.yaml', secret(text));
  assert.equal(secrets[0]?.secret.certificate, null);
  assert.match(secrets[0]?.secret.ca ?? '', /BEGIN CERTIFICATE/);
});

const secret = (body: string) => `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n${body}`;

void test('a Secret that is no certificate is refused without its values', () => {
  const opaque = faults(secret('type: Opaque\nstringData: {password: hunter2}\n'));
  assert.deepEqual(opaque, [
    '4:1: Secret default/s: type: read "Opaque", expected "kubernetes.io/tls", or ca.crt among its data',
  ]);
  const garbage = faults(secret('type: kubernetes.io/tls\nstringData: {tls.crt: hunter2, tls.key: hunter2}\n'));
  assert.match(garbage[0] ?? '', /data\.tls\.crt: .*expected PEM with BEGIN … CERTIFICATE/);
  assert.doesNotMatch(garbage.join(), /hunter2/);
});

void test('aliases cannot make a small file large, nor a circle', () => {
  const laughs = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level++) {
    laughs.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`);
  }
  assert.match(faults(laughs.join('\n'))[0] ?? '', /more than 1000000 values, aliases expanded/);
  assert.match(faults('a: &a [*a]')[0] ?? '', /^1:/);
  assert.match(faults(`a: &a 1\nb: [${'*a, '.repeat(200)}]`)[0] ?? '', /alias/);
  assert.equal(faults('['.repeat(10_000)).length, 1);
});

void test('a file of thousands of objects is read in linear time', () => {
  const text = Array.from({ length: 4000 }, (_, index) => item(`a${index}`, 80)).join('\n---\n');
  const list = Array.from({ length: 4000 }, (_, index) => item(`a${index}`, 80)).join(',\n');
  assert.equal(parseManifests('many.yaml', text).objects.at(-1)?.line, 3999 * 3 + 1);
  const { objects } = parseManifests('list.json', `{"apiVersion": "v1", "kind": "List", "items": [\n${list}]}`);
  assert.equal(objects.at(-1)?.line, 3999 * 2 + 2);
});

void test('no text makes it throw, and every fault has a place in the text', () => {
  const words = fc.constantFrom(
    'apiVersion: tcpvs.io/v1alpha1',
    'kind: RealServer',
    'spec:',
    '  port: x',
    '---',
    '- a',
    '  *b',
    '"',
    '\t',
    '{',
    '&a',
    '!!map',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words).map((lines) => lines.join('\n')),
      ),
      (text) => {
        const lines = text.split('\n').length;
        for (const { line, column } of parseManifests('x', text).faults) {
          assert.ok(line >= 1 && line <= lines + 1 && column >= 1);
        }
      },
    ),
  );
});

void test('a path is found in every document', () => {
  const parsed = parseYaml('a: {b: [1, {c: 2}]}\n---\na:\n- x\n-   y: &n 1\n    z: *n\n');
  assert.ok('documents' in parsed);
  const [first, second] = parsed.documents;
  assert.deepEqual(first?.locate(['a', 'b', 1, 'c']), { line: 1, column: 13 });
  assert.deepEqual(second?.locate(['a', 1, 'z']), { line: 6, column: 5 });
  assert.deepEqual(second?.locate(['a', 1, 'nothing']), { line: 5, column: 5 });
  assert.deepEqual(second?.locate([]), { line: 3, column: 1 });
});
