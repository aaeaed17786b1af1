/** values.yaml, its schema, and what a person is told about wrong values. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { load } from 'js-yaml';

import { CHART, helm } from '../../charts/tools/helm.ts';
import { type Schema, valuesSchema } from '../../charts/tools/values-schema.ts';
import { documentedValues } from '../../charts/tools/values.ts';
import manifest from '../../package.json' with { type: 'json' };
import { needsHelm, refusal } from './stage.ts';

const text = readFileSync(join(CHART, 'values.yaml'), 'utf8');

describe('values.yaml', () => {
  it('documents every value once, in order', () => {
    const paths = documentedValues(text).map(({ path }) => path.join('.'));
    assert.equal(new Set(paths).size, paths.length);
    assert.deepEqual(paths.slice(0, 3), ['fullnameOverride', 'className', 'watchNamespaces']);
    assert.ok(paths.includes('proxy.service.ports'));
    assert.ok(!paths.includes('proxy.autoscaling.behavior.scaleDown'), 'a part of a documented value');
  });

  it('a value without a comment is an error, by its path', () => {
    assert.throws(() => documentedValues('a:\n  # What b is.\n  b: 1\n\n  c: 2\n'), /a\.c has no comment/);
    assert.deepEqual(documentedValues('a:\n  # What b\n  # is.\n  b: { c: 1 }\n'), [
      { path: ['a', 'b'], comment: 'What b is.', byDefault: { c: 1 } },
    ]);
  });

  it('has a default for everything that the schema knows', () => {
    const missing: string[] = [];
    const walk = (schema: Schema, value: unknown, path: string): void => {
      for (const [key, part] of Object.entries(schema.properties ?? {})) {
        const at = `${path}${key}`;
        const inner = (value as Record<string, unknown> | undefined)?.[key];
        if (inner === undefined) missing.push(at);
        else if (part.properties !== undefined) walk(part, inner, `${at}.`);
      }
    };
    walk(valuesSchema(documentedValues(text)), load(text), '');
    assert.deepEqual(missing, ['global']);
  });
});

describe('the chart', needsHelm, () => {
  it('passes helm lint, also strictly', () => {
    const { status, stdout, stderr } = helm('lint', '--strict', CHART);
    assert.equal(status, 0, stdout + stderr);
  });

  it('has the version of the program', () => {
    const chart = load(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as { version: string; appVersion: string };
    assert.deepEqual([chart.version, chart.appVersion], [manifest.version, manifest.version]);
  });

  const refused: readonly (readonly [string, object, RegExp])[] = [
    ['a misspelt value', { 'proxy.replica': 3 }, /'\/proxy'.*'replica' not allowed/],
    ['a text for a number', { 'proxy.replicas': 'three' }, /'\/proxy\/replicas': got string, want integer/],
    ['low ports on the host', { 'proxy.hostNetwork': true }, /ports\/0\/port': minimum: got 80, want 1,024/],
    [
      'a DaemonSet that scales',
      { 'proxy.kind': 'DaemonSet', 'proxy.autoscaling.enabled': true },
      /autoscaling\/enabled': value must be false/,
    ],
    [
      'an external policy without an outside',
      { 'proxy.service.type': 'ClusterIP', 'proxy.service.externalTrafficPolicy': 'Local' },
      /externalTrafficPolicy': value must be ''/,
    ],
    ['a class that is no name', { className: 'My_Class' }, /'\/className': 'My_Class' does not match/],
    ['a network that is none', { trustedProxies: ['load-balancer'] }, /trustedProxies\/0': 'load-balancer' does not/],
    ['a log level that is none', { 'proxy.logLevel': 'verbose' }, /logLevel': value must be one of 'fatal'/],
    ['a host policy for nobody', { 'policy.hostPolicy': [{ hosts: ['*'] }] }, /missing property 'namespaces'/],
    ['a tag as a number', { 'image.tag': 1 }, /image\/tag': got number, want string/],
    ['a digest that is none', { 'image.digest': 'latest' }, /image\/digest': 'latest' does not match/],
    [
      'a port twice',
      { 'proxy.service.ports': [port('a', 8000), port('b', 8000)] },
      /proxy\.service\.ports: port 8000 stands twice/,
    ],
    [
      'a name of a port twice',
      { 'proxy.service.ports': [port('a', 8000), port('a', 8001)] },
      /proxy\.service\.ports: name a stands twice/,
    ],
    [
      'the admin port as one for everybody',
      { 'proxy.service.ports': [port('a', 9000)] },
      /port 9000 is proxy\.adminPort too; set one of the two to another port/,
    ],
    ['one port for two things', { 'controller.adminPort': 9443 }, /controller\.port and controller\.adminPort are the/],
  ];
  for (const [name, values, message] of refused) {
    it(`refuses ${name}`, () => assert.match(refusal(values), message));
  }

  it('refuses a release whose name leaves no room', () => {
    assert.match(refusal({}, 'x'.repeat(49)), /has 49 characters; at most 48 .*set fullnameOverride/);
    assert.match(refusal({}, '1st'), /"1st" is no name of a Service/);
  });
});

function port(name: string, number: number) {
  return { name, port: number };
}
