import assert from 'node:assert/strict';
import { test } from 'node:test';

import { makeAuthority } from '../tls/fixture/authority.ts';
import { checkCertificates } from './check-certificate.ts';

const { pair, authorities } = checkCertificates;

test('what is good, and what is not; of the key nothing is told', () => {
  const authority = makeAuthority();
  const { certificate, privateKey } = authority.issue({ names: ['a.example'] });
  assert.equal(pair(certificate, privateKey), null);
  const other = authority.issue({ names: ['a.example'] });
  assert.equal(pair(certificate, other.privateKey), 'the private key is not that of the certificate');
  assert.equal(authorities(authority.certificate), null);
  assert.match(String(authorities(privateKey)), /there is no certificate/);
  assert.equal(pair(certificate, privateKey.slice(0, 100))?.includes(privateKey.slice(40, 60)), false);
});
