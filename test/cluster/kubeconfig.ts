import { type ApiAccess, SERVER_NAME } from './api-client.ts';

/** Text of a kubeconfig with one cluster, one user and one context. JSON, which is YAML. */
export function kubeconfig({ url, ca, token }: ApiAccess): string {
  const cluster = {
    server: url,
    'tls-server-name': SERVER_NAME,
    'certificate-authority-data': Buffer.from(ca).toString('base64'),
  };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  };
  return JSON.stringify(config, null, 2);
}
