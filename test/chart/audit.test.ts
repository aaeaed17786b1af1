import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type AuditEvent, auditEvents, compareWithAudit } from './audit.ts';
import type { Right } from './rights.ts';

const CONTROLLER = 'system:serviceaccount:edge:tcpvs-controller';
const PROXY = 'system:serviceaccount:edge:tcpvs-proxy';

const right = (resource: string, verbs: readonly string[], rest: Partial<Right> = {}): Right => ({
  user: CONTROLLER,
  namespace: null,
  group: '',
  resource,
  names: null,
  verbs,
  ...rest,
});

const event = (verb: string, objectRef: AuditEvent['objectRef'], code = 200, username = CONTROLLER): AuditEvent => ({
  verb,
  user: { username },
  ...(objectRef === undefined ? {} : { objectRef }),
  responseStatus: { code },
});

test('what was used is not excess, by verb, namespace, name and subresource', () => {
  const rights = [
    right('services', ['get', 'list', 'watch']),
    right('secrets', ['get', 'update'], { namespace: 'edge', names: ['tcpvs-ca'] }),
    right('realservers/status', ['patch'], { group: 'tcpvs.io' }),
  ];
  const events = [
    event('list', { resource: 'services' }),
    event('watch', { resource: 'services', namespace: 'shop' }),
    event('get', { resource: 'secrets', namespace: 'edge', name: 'tcpvs-ca' }),
    event('update', { resource: 'secrets', namespace: 'edge', name: 'tcpvs-keys' }),
    event('patch', {
      resource: 'realservers',
      subresource: 'status',
      namespace: 'shop',
      name: 'web1',
      apiGroup: 'tcpvs.io',
    }),
    event('get', undefined),
  ];
  assert.deepEqual(compareWithAudit(rights, events), {
    refused: [],
    tooEarly: [],
    unused: [`${CONTROLLER}: get * services`, `${CONTROLLER}: update edge secrets [tcpvs-ca]`],
  });
});

test('what was refused is told once, also of accounts without a right; others are nobody’s business', () => {
  const refused = event('list', { resource: 'pods' }, 403);
  const events = [
    refused,
    refused,
    event('get', { resource: 'pods', namespace: 'edge', name: 'x' }, 403, PROXY),
    event('get', { resource: 'pods' }, 403, 'system:serviceaccount:shop:somebody'),
  ];
  const { refused: told, tooEarly } = compareWithAudit([right('secrets', ['list'])], events, [PROXY]);
  assert.deepEqual(told, [`${CONTROLLER}: list * pods`, `${PROXY}: get edge pods x`]);
  assert.deepEqual(tooEarly, []);
});

test('what was refused although it is allowed is told apart, and uses no right', () => {
  const early = event('list', { resource: 'secrets', namespace: 'edge', name: 'tcpvs-ca' }, 403);
  const rights = [right('secrets', ['list'], { namespace: 'edge', names: ['tcpvs-ca'] })];
  assert.deepEqual(compareWithAudit(rights, [early]), {
    refused: [],
    tooEarly: [`${CONTROLLER}: list edge secrets tcpvs-ca`],
    unused: [`${CONTROLLER}: list edge secrets [tcpvs-ca]`],
  });
  const other = event('list', { resource: 'secrets', namespace: 'edge', name: 'others' }, 403);
  assert.deepEqual(compareWithAudit(rights, [other]).refused, [`${CONTROLLER}: list edge secrets others`]);
});

test('the log has an event a line', () => {
  const events = [event('get', { resource: 'nodes' }), event('list', { resource: 'nodes' })];
  assert.deepEqual(auditEvents(`${events.map((each) => JSON.stringify(each)).join('\n')}\n`), events);
});
