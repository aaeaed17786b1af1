import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, isIPv6 } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';

import fc from 'fast-check';

import { temporaryDirectory } from '../../standalone/fixture/temporary-directory.ts';
import { addressBytes } from './address-bytes.ts';
import {
  advanceAuthorities,
  type Authorities,
  authoritiesFromData,
  authoritiesToData,
  bundleOf,
  newAuthorities,
} from './authorities.ts';
import { identifier, integer } from './der.ts';
import { certificateDue, issueCertificate } from './issue.ts';

const DAY = 24 * 3_600_000;
const start = new Date('2026-11-26T12:00:00Z');
const after = (days: number): Date => new Date(start.getTime() + days * DAY);
const request = { names: ['tcpvs-controller.tcpvs.svc'], addresses: ['10.1.2.3', '2001:db8::1'], now: start };

function openssl(files: Record<string, string>, ...args: string[]): string {
  const directory = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return execFileSync('openssl', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed';

test(
  'openssl accepts authority and certificate, by name and by address, and finds what RFC 5280 wants',
  { skip },
  () => {
    const authorities = newAuthorities(start);
    const { certificate } = issueCertificate(authorities, request);
    const files = { 'ca.pem': bundleOf(authorities), 'leaf.pem': certificate };
    const at = String(start.getTime() / 1000);
    const verify = ['verify', '-x509_strict', '-attime', at, '-purpose', 'sslserver', '-CAfile', 'ca.pem'];
    const name = request.names[0]!;
    assert.equal(openssl(files, ...verify, '-verify_hostname', name, 'leaf.pem'), 'leaf.pem: OK\n');
    assert.equal(openssl(files, ...verify, '-verify_ip', '10.1.2.3', 'leaf.pem'), 'leaf.pem: OK\n');
    assert.equal(openssl(files, ...verify, '-verify_ip', '2001:db8::1', 'leaf.pem'), 'leaf.pem: OK\n');
    assert.throws(() => openssl(files, ...verify, '-verify_hostname', 'other.tcpvs.svc', 'leaf.pem'), /hostname/);
    const text = openssl(files, 'x509', '-in', 'leaf.pem', '-noout', '-text');
    assert.match(text, /Basic Constraints: critical\s+CA:FALSE/);
    assert.match(text, /Key Usage: critical\s+Digital Signature\n/);
    assert.match(text, /Extended Key Usage:\s+TLS Web Server Authentication\n/);
    assert.match(text, /DNS:tcpvs-controller\.tcpvs\.svc, IP Address:10\.1\.2\.3, IP Address:2001:DB8:0:0:0:0:0:1/);
    const authority = openssl(files, 'x509', '-in', 'ca.pem', '-noout', '-text');
    assert.match(authority, /CA:TRUE, pathlen:0/);
    assert.match(authority, /Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
  },
);

test('Node reads what was asked for; each certificate has a key and a number of its own', () => {
  const authorities = newAuthorities(start);
  const [one, two] = [issueCertificate(authorities, request), issueCertificate(authorities, request)];
  const parsed = new X509Certificate(one.certificate);
  const authority = new X509Certificate(authorities.current.certificate);
  assert.equal(parsed.verify(authority.publicKey), true);
  assert.equal(parsed.checkIssued(authority), true);
  assert.equal(parsed.checkPrivateKey(createPrivateKey(one.privateKey)), true);
  assert.equal(parsed.checkPrivateKey(createPrivateKey(two.privateKey)), false);
  assert.notEqual(parsed.serialNumber, new X509Certificate(two.certificate).serialNumber);
  assert.equal(parsed.checkHost(request.names[0]!), request.names[0]);
  assert.equal(parsed.validToDate.getTime(), after(1).getTime());
  const due = certificateDue(one.certificate).getTime();
  assert.ok(due > start.getTime() && due < after(1).getTime());
});

test('a handshake by name succeeds with the bundle, and with no other', async (t) => {
  const authorities = newAuthorities(new Date());
  const { certificate, privateKey } = issueCertificate(authorities, { ...request, now: new Date() });
  const server = tls.createServer({ cert: certificate, key: privateKey, minVersion: 'TLSv1.3' }, (socket) => {
    socket.on('error', () => undefined);
    socket.end('hello');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const greet = (ca: string, servername: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = tls.connect({ port, host: '127.0.0.1', ca, servername });
      socket.on('error', reject);
      socket.on('data', (data: Buffer) => resolve(data.toString()));
    });
  assert.equal(await greet(bundleOf(authorities), request.names[0]!), 'hello');
  await assert.rejects(greet(bundleOf(newAuthorities(new Date())), request.names[0]!), { code: /VERIFY|UNABLE/ });
  await assert.rejects(greet(bundleOf(authorities), 'other.tcpvs.svc'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});

/** Every certificate of any hour is accepted by the bundles that proxies may have then: that of a day before, and after. */
test('over two years of rotation, no proxy with a bundle of the last day meets a certificate that it does not trust', () => {
  const days = Array.from({ length: 2 * 366 }, (_, day) => day);
  let authorities = newAuthorities(start);
  let changes = 0;
  let yesterday: Authorities = authorities;
  for (const day of days) {
    const next = advanceAuthorities(authorities, after(day));
    if (next !== authorities) changes++;
    authorities = next;
    const leaf = new X509Certificate(issueCertificate(authorities, { ...request, now: after(day) }).certificate);
    for (const bundle of [yesterday, authorities]) {
      const trusted = [bundle.current.certificate, bundle.next?.certificate ?? '', bundle.previous ?? '']
        .filter((text) => text !== '')
        .map((text) => new X509Certificate(text));
      const issuer = trusted.find((each) => leaf.checkIssued(each) && leaf.verify(each.publicKey));
      assert.notEqual(issuer, undefined, `day ${day}`);
      assert.ok(issuer!.validToDate.getTime() >= leaf.validToDate.getTime());
    }
    yesterday = authorities;
  }
  // Two turns of three steps: the next one appears (days 275 and 550), signs (305, 580), the previous one goes (365, 640).
  assert.equal(changes, 6);
});

test('an authority that has ended while nobody looked is replaced at once; a certificate never outlives its authority', () => {
  const ended = advanceAuthorities(newAuthorities(start), after(400));
  assert.equal(ended.next, null);
  assert.ok(new X509Certificate(ended.current.certificate).validToDate > after(700));
  const late = issueCertificate(newAuthorities(start), { ...request, now: after(364.5) });
  assert.equal(new X509Certificate(late.certificate).validToDate.getTime(), after(365).getTime());
});

test('dates from 2050 on are written as they must be', { skip }, () => {
  const authorities = newAuthorities(new Date('2049-12-31T12:00:00Z'));
  const text = openssl({ 'ca.pem': bundleOf(authorities) }, 'x509', '-in', 'ca.pem', '-noout', '-dates');
  assert.match(text, /notBefore=Dec 31 11:00:00 2049 GMT\nnotAfter=Dec 31 12:00:00 2050 GMT/);
});

test('what a Secret holds is read back, and faults in it are told by field, without what stands there', () => {
  const all = {
    ...newAuthorities(start),
    next: newAuthorities(after(300)).current,
    previous: newAuthorities(after(-200)).current.certificate,
  };
  assert.deepEqual(authoritiesFromData(authoritiesToData(all)), all);
  const { current } = newAuthorities(start);
  const data = authoritiesToData({ current, next: null, previous: null });
  assert.deepEqual(authoritiesFromData(data), { current, next: null, previous: null });
  assert.throws(() => authoritiesFromData({}), /^Error: ca\.crt is not a certificate in PEM$/);
  assert.throws(
    () => authoritiesFromData({ ...data, 'ca.key': 'secret' }),
    /^Error: ca\.key is not a private key in PEM$/,
  );
  assert.throws(
    () => authoritiesFromData({ ...data, 'ca.key': all.next.privateKey }),
    /ca\.key does not belong to ca\.crt/,
  );
  assert.throws(() => authoritiesFromData({ ...data, 'previous.crt': '' }), /previous\.crt is not a certificate/);
  const leaf = issueCertificate({ current, next: null, previous: null }, request);
  const wrong = { 'ca.crt': leaf.certificate, 'ca.key': leaf.privateKey };
  assert.throws(() => authoritiesFromData(wrong), /ca\.crt is not an authority that tcpvs has made/);
});

test('names and addresses that are none are refused', () => {
  const authorities = newAuthorities(start);
  const issue = (more: object) => () => issueCertificate(authorities, { ...request, ...more });
  assert.throws(issue({ names: [] }), /needs a DNS name/);
  for (const name of ['', 'a b', 'a\0.b', '*.b', 'A.b', `${'a'.repeat(64)}.b`]) {
    assert.throws(issue({ names: [name] }), /expected a DNS name/);
  }
  assert.throws(issue({ addresses: ['10.0.0'] }), /expected an IP address/);
});

test('bytes of addresses agree with the way that URLs write them', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const bytes = addressBytes(text);
      const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
      assert.ok(isIPv6(text));
      assert.equal(new URL(`http://[${groups.join(':')}]`).hostname, new URL(`http://[${text}]`).hostname);
    }),
  );
});

test('integers and identifiers are written in the shortest way', () => {
  assert.equal(integer(Buffer.of(0, 0, 0x80)).toString('hex'), '02020080');
  assert.equal(integer(Buffer.of(0)).toString('hex'), '020100');
  assert.equal(identifier('1.2.840.10045.4.3.2').toString('hex'), '06082a8648ce3d040302');
});
