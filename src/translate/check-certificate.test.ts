import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';

import { checkCertificates } from './check-certificate.ts';

/** test.example, signed by itself, and its key; made for this test, used nowhere. */
const CERTIFICATE =
  'MIIBhTCCASugAwIBAgIUInZsyo7FNLQBZWQf5AAXxgj4mdowCgYIKoZIzj0EAwIwFzEVMBMGA1UEAwwMdGVzdC5leGFtcGxlMCAXDTI2MTEyNjIyNTA1N1oYDzIxMjYxMTAyMjI1MDU3WjAXMRUwEwYDVQQDDAx0ZXN0LmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARxIU5y7dtkB5ChtH6ecqSCxFpwF7ZuJ0ZQcmEYuKpIxVsgUkCx0GT+Khpc8G95mhJuzcYJiRY2NWPtFuMbmbd5o1MwUTAdBgNVHQ4EFgQUa+15srBStVPvE8Zkvs970Ob508AwHwYDVR0jBBgwFoAUa+15srBStVPvE8Zkvs970Ob508AwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA8LocC/CqlZqda6lTaKbRY41ruyvwJYUzHHscZcThXFoCIAIuOG69F6bYHTLPbSEsLbpH0UtD7LgL6sC2MqS1pxp8';
const KEY =
  'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgp4ynbk1bT4UScYQxdrO7MxC+MYdEaJNcWNzpMQS0hm+hRANCAARxIU5y7dtkB5ChtH6ecqSCxFpwF7ZuJ0ZQcmEYuKpIxVsgUkCx0GT+Khpc8G95mhJuzcYJiRY2NWPtFuMbmbd5';

const pem = (label: string, body: string): string => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
const certificate = pem('CERTIFICATE', CERTIFICATE);
const key = pem('PRIVATE KEY', KEY);
const broken = pem('CERTIFICATE', CERTIFICATE.slice(0, 200));
const { pair, authorities } = checkCertificates;

void test('a certificate with its key is good, with a chain too', () => {
  assert.equal(pair(certificate, key), null);
  assert.equal(pair(`text before\n${certificate}${certificate}`, key), null);
});

void test('what cannot serve is told apart, and of the key nothing is told', () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const secret = pem('PRIVATE KEY', 'Y2FuYXJ5LWtleQ');
  assert.equal(pair('', key), 'tls.crt holds no certificate (PEM, BEGIN CERTIFICATE)');
  assert.equal(pair(broken, key), 'the first certificate in tls.crt cannot be read');
  assert.equal(pair(certificate + broken, key), 'certificate 2 of the chain in tls.crt cannot be read');
  assert.equal(pair(certificate, other), 'tls.key is not the key of the first certificate in tls.crt');
  assert.equal(pair(certificate, secret), 'tls.key holds no private key that can be read (PEM, without a passphrase)');
});

void test('authorities are certificates that can all be read', () => {
  assert.equal(authorities(certificate + certificate), null);
  assert.equal(authorities('no PEM'), 'ca.crt holds no certificate (PEM, BEGIN CERTIFICATE)');
  assert.equal(authorities(certificate + broken), 'certificate 2 in ca.crt cannot be read');
});
