import assert from 'node:assert/strict';
import { test } from 'node:test';

import { pemCertificates, readAuthorities, readCertificate } from './certificate.ts';
import { makeAuthority } from './fixture/authority.ts';

const authority = makeAuthority();

const says = (chain: string, key: string, expected: RegExp) => {
  const read = readCertificate(chain, key);
  assert.ok('fault' in read);
  assert.match(read.fault, expected);
  assert.ok(!read.fault.includes(key.split('\n')[1] ?? 'nothing'));
};

test('names, dates and kind of key of a chain', () => {
  const { certificate, privateKey } = authority.issue({
    names: ['Shop.example', '*.shop.example', '192.0.2.1', 'shop.example'],
    notBefore: new Date(Date.UTC(2026, 0, 1)),
    notAfter: new Date(Date.UTC(2036, 0, 1)),
  });
  assert.deepEqual(readCertificate(certificate + authority.certificate, privateKey), {
    names: ['shop.example', '*.shop.example'],
    keyType: 'ec',
    notBefore: Date.UTC(2026, 0, 1),
    notAfter: Date.UTC(2036, 0, 1),
  });
  assert.equal(pemCertificates(certificate + authority.certificate).length, 2);
});

test('what is wrong is said, and nothing of the key', () => {
  const one = authority.issue({ names: ['a.example'] });
  const other = authority.issue({ names: ['a.example'] });
  says(one.certificate, other.privateKey, /private key is not that of the certificate/);
  says('', one.privateKey, /no certificate/);
  says(one.privateKey, one.privateKey, /no certificate/);
  says(one.certificate, one.certificate, /private key cannot be read/);
  says(one.certificate, '', /private key cannot be read/);
  says(one.certificate, one.privateKey.replaceAll(/[A-Za-z0-9+/]{8}$/gm, '!'), /private key cannot be read/);
  says(one.certificate.replace(/^M.{10}/m, 'MAAAAAAAAAA'), one.privateKey, /certificate 1 of 1 cannot be read/);
  says(
    one.certificate + other.certificate.replace(/^M.{10}/m, 'MAAAAAAAAAA'),
    one.privateKey,
    /certificate 2 of 2 cannot be read/,
  );
  says(one.certificate.repeat(17), one.privateKey, /17 certificates, at most 16/);
  const short = authority.issue({ names: ['a.example'], key: 'short' });
  says(short.certificate, short.privateKey, /cannot be used: .*too small/);
  const locked = authority.issue({ names: ['a.example'], passphrase: 'secret' });
  says(locked.certificate, locked.privateKey, /has a passphrase/);
});

test('a name with a NUL in it is refused', () => {
  const { certificate, privateKey } = authority.issue({ names: ['bank.example\0.evil.example'] });
  assert.deepEqual(readCertificate(certificate, privateKey), {
    fault: 'its name "bank.example\\u0000.evil.example" is no name of a host',
  });
});

test('without alternative names, the common name', () => {
  const { certificate, privateKey } = authority.issue({ names: [], subject: 'Old.example' });
  const read = readCertificate(certificate, privateKey);
  assert.ok('names' in read);
  assert.deepEqual(read.names, ['old.example']);
});

test('bundles of authorities', () => {
  assert.deepEqual(readAuthorities(authority.certificate.repeat(3)), { count: 3 });
  assert.deepEqual(readAuthorities('none'), {
    fault: 'there is no certificate (BEGIN CERTIFICATE … END CERTIFICATE)',
  });
});
