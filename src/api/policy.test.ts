import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openPolicy } from '../translate/cluster-facts.ts';
import { parsePolicy } from './policy.ts';

const faultOf = (text: string): string => {
  try {
    parsePolicy(text);
  } catch (error) {
    return (error as Error).message;
  }
  return 'no fault';
};

void test('a policy is read as it is written', () => {
  const text = `
hostPolicy:
- {namespaces: [shop, "team-*"], hosts: [shop.example, "*.shop.example"]}
- {namespaces: ["*"], hosts: ["*"]}
addressPolicy:
- namespaces: [shop]
  cidrs: [10.0.0.0/8, "fd00::/8", 192.0.2.1]
- {namespaces: [shop], dnsSuffixes: [legacy.example, "*"]}
`;
  assert.deepEqual(parsePolicy(text), {
    hostPolicy: [
      { namespaces: ['shop', 'team-*'], hosts: ['shop.example', '*.shop.example'] },
      { namespaces: ['*'], hosts: ['*'] },
    ],
    addressPolicy: [
      { namespaces: ['shop'], cidrs: ['10.0.0.0/8', 'fd00::/8', '192.0.2.1'], dnsSuffixes: [] },
      { namespaces: ['shop'], cidrs: [], dnsSuffixes: ['legacy.example', '*'] },
    ],
  });
  for (const empty of ['# nothing\n', 'hostPolicy:\naddressPolicy: []\n', '{}']) {
    assert.deepEqual(parsePolicy(empty), openPolicy, empty);
  }
});

void test('a file with nothing in it is what is left of one, and opens nothing', () => {
  for (const text of ['', '\n \n'])
    assert.equal(faultOf(text), 'read an empty file, expected a policy ("{}" is one that has no rules)');
});

void test('a fault is told with its place, what was read and what was expected', () => {
  const faults: Record<string, string> = {
    'hostPolicy: [{namespaces: [Shop], hosts: [a]}]':
      'line 1, column 28: hostPolicy[0].namespaces[0]: read "Shop", expected a namespace such as "shop", "team-*" for all that begin so, or "*"',
    'hostPolicy:\n- {namespaces: [a], hosts: ["*shop.example"]}':
      'line 2, column 29: hostPolicy[0].hosts[0]: read "*shop.example", expected a host in lower case such as "shop.example", "*.shop.example" for all below it, or "*" for all',
    'addressPolicy:\n- namespaces: [a]\n  cidrs: [10.0.0.0/33]':
      'line 3, column 11: addressPolicy[0].cidrs[0]: read "10.0.0.0/33", expected a network such as "10.0.0.0/8" or "fd00::/8", or an address',
    'addressPolicy: [{namespaces: [a], cidrs: [10.0.0.1/8]}]':
      'line 1, column 43: addressPolicy[0].cidrs[0]: read "10.0.0.1/8", expected "10.0.0.0/8" if the network is meant, or the address alone',
    'addressPolicy: [{namespaces: [a], cidr: []}]':
      'line 1, column 35: addressPolicy[0].cidr: read an unknown field, expected a known field; nearest is "cidrs"',
    'addressPolicy: [{namespaces: []}]':
      'line 1, column 18: addressPolicy[0].namespaces: read a list of 0, expected at least 1 items',
    'hostPolicy: [{namespaces: [a]}]': 'line 1, column 14: hostPolicy[0].hosts: read nothing, expected a list',
    '[a]': 'line 1, column 1: (object): read a list of 1, expected an object',
    'a: 1\n---\nb: 2': 'line 3, column 1: a second document; a policy is one',
  };
  for (const [text, fault] of Object.entries(faults)) assert.equal(faultOf(text), fault, text);
  assert.match(faultOf('hostPolicy: [\n'), /^line 2, column 1: read .*expected YAML/);
});

void test('of many faults the first ones are told', () => {
  const message = faultOf(`hostPolicy: [${Array.from({ length: 12 }, () => '{}').join(', ')}]`);
  assert.equal(message.split('; ').length, 11);
  assert.match(message, /; and 14 more$/);
});
