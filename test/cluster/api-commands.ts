/** Command lines of etcd and kube-apiserver, and the files that these need. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Where {
  readonly bin: string;
  readonly directory: string;
  readonly address: string;
  readonly port: number;
  readonly serviceRange: string;
  readonly controllers: boolean;
}

/** Sockets in the directory: two ports less that could be taken by somebody else. */
export function etcdCommand({ bin, directory }: Where): string[] {
  const client = `unix://${directory}/etcd.sock`;
  const peer = `unix://${directory}/peer.sock`;
  return [
    join(bin, 'etcd'),
    `--data-dir=${directory}/etcd`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // What it holds is worth nothing after the test.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

export function apiServerCommand({ bin, directory, address, port, serviceRange, controllers }: Where): string[] {
  return [
    join(bin, 'kube-apiserver'),
    `--etcd-servers=unix://${directory}/etcd.sock`,
    `--bind-address=${address}`,
    `--advertise-address=${address}`,
    `--secure-port=${port}`,
    `--cert-dir=${directory}/certificates`,
    `--service-cluster-ip-range=${serviceRange}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${directory}/service-accounts.pem`,
    `--service-account-signing-key-file=${directory}/service-accounts.pem`,
    `--token-auth-file=${directory}/tokens.csv`,
    '--authorization-mode=Node,RBAC',
    `--audit-policy-file=${directory}/audit-policy.json`,
    `--audit-log-path=${directory}/logs/audit.log`,
    // In one piece, whoever asks however much.
    '--audit-log-maxsize=100000',
    '--profiling=false',
    // Endpoints of the Service `kubernetes`: they may not be on loopback.
    ...(controllers ? [] : ['--endpoint-reconciler-type=none', '--disable-admission-plugins=ServiceAccount']),
  ];
}

/** Keys, audit policy, users with fresh tokens. Returns the tokens by user. */
export function writeApiFiles(
  directory: string,
  users: Readonly<Record<string, readonly string[]>>,
): ReadonlyMap<string, string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const secret = { mode: 0o600 };
  const key = privateKey.export({ type: 'sec1', format: 'pem' });
  writeFileSync(join(directory, 'service-accounts.pem'), key, secret);
  writeFileSync(join(directory, 'audit-policy.json'), JSON.stringify(AUDIT_POLICY));
  const tokens = new Map(Object.keys(users).map((name) => [name, randomBytes(24).toString('hex')]));
  const lines = Object.entries(users).map(
    ([name, groups]) => `${tokens.get(name)},${name},${name},"${groups.join(',')}"`,
  );
  writeFileSync(join(directory, 'tokens.csv'), lines.join('\n') + '\n', secret);
  for (const [name, token] of tokens) writeFileSync(join(directory, 'tokens', name), token, secret);
  return tokens;
}

const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{ level: 'Metadata' }],
};
