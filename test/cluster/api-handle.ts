/** What a test holds of an API that runs: clients, kubectl, tokens. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ApiClient, type KubeObject } from './api-client.ts';
import { kubeconfig } from './kubeconfig.ts';
import { type CommandResult, run } from './run.ts';

export interface ApiHandle {
  readonly url: string;
  /** PEM text of what signed the server's certificate, and the path of a file with it. */
  readonly ca: string;
  readonly caFile: string;
  /** Token of a member of system:masters. */
  readonly adminToken: string;
  /** Path of the admin's kubeconfig. */
  readonly kubeconfig: string;
  /** Path of the audit log: one JSON event a line, level Metadata, of every request once it is answered. */
  readonly auditLog: string;
  /** Everything on disk; removed at the end. */
  readonly directory: string;
  /** Where the programs are. */
  readonly bin: string;
  /** As the admin. */
  readonly client: ApiClient;
  /** As the admin; `input` goes to its standard input. Never rejects. */
  kubectl(args: readonly string[], input?: string): Promise<CommandResult>;
  /** A client, and a kubeconfig's path, of whoever has this token. */
  as(token: string): { readonly client: ApiClient; readonly kubeconfig: string };
  /** A token of a ServiceAccount, which must exist. `pod` binds it to that pod. */
  tokenOf(namespace: string, name: string, options?: TokenOptions): Promise<string>;
}

export interface TokenOptions {
  readonly audience?: string;
  readonly pod?: KubeObject;
  readonly seconds?: number;
}

export type ApiPlace = Pick<ApiHandle, 'url' | 'ca' | 'caFile' | 'adminToken' | 'auditLog' | 'directory' | 'bin'>;

export function openApi(place: ApiPlace): ApiHandle & { close(): void } {
  const { url, ca, adminToken, directory, bin } = place;
  const clients: ApiClient[] = [];
  const as = (token: string) => {
    const client = new ApiClient({ url, ca, token });
    clients.push(client);
    mkdirSync(join(directory, 'kubeconfigs'), { recursive: true });
    const path = join(directory, 'kubeconfigs', randomBytes(6).toString('hex'));
    writeFileSync(path, kubeconfig({ url, ca, token }), { mode: 0o600 });
    return { client, kubeconfig: path };
  };
  const admin = as(adminToken);
  return {
    ...place,
    ...admin,
    as,
    kubectl: (args, input) => run([join(bin, 'kubectl'), '--kubeconfig', admin.kubeconfig, ...args], { input }),
    tokenOf: (namespace, name, options) => requestToken(admin.client, namespace, name, options),
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

/** By the TokenRequest API. */
export async function requestToken(
  client: ApiClient,
  namespace: string,
  name: string,
  { audience, pod, seconds = 3600 }: TokenOptions = {},
): Promise<string> {
  const spec = {
    ...(audience === undefined ? {} : { audiences: [audience] }),
    expirationSeconds: seconds,
    ...(pod === undefined ? {} : { boundObjectRef: referenceTo(pod) }),
  };
  const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  const made = await client.create(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, asked);
  return made.status.token as string;
}

function referenceTo({ metadata }: KubeObject) {
  return { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid };
}
