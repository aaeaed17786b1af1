import { setTimeout as sleep } from 'node:timers/promises';

import { type ApiClient, ApiError } from '../api-client.ts';
import type { Pod } from './kinds.ts';

/** Writes a pod's status, one request at a time, and the newest only. */
export class StatusWriter {
  readonly #client: ApiClient;
  readonly #pod: Pod;
  readonly #status: () => Record<string, unknown>;
  #written = '';
  #writing: Promise<void> | null = null;
  #isDirty = false;

  constructor(client: ApiClient, pod: Pod, status: () => Record<string, unknown>) {
    this.#client = client;
    this.#pod = pod;
    this.#status = status;
  }

  /** Something may have changed. */
  write(): void {
    this.#isDirty = true;
    this.#writing ??= this.#loop();
  }

  /** Resolves once the last one is written. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #loop(): Promise<void> {
    // What changes in one go is written in one.
    await Promise.resolve();
    while (this.#isDirty) {
      this.#isDirty = false;
      const status = this.#status();
      const text = JSON.stringify(status, (key, value: unknown) => (key === 'lastTransitionTime' ? undefined : value));
      if (text === this.#written) continue;
      if (await this.#send(status)) this.#written = text;
    }
    this.#writing = null;
  }

  /** False: the API is away, and it has to be tried again; nothing is done where the pod is gone. */
  async #send(status: Record<string, unknown>): Promise<boolean> {
    const { namespace, name, uid } = this.#pod.metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
    try {
      await this.#client.request(
        'PATCH',
        path,
        { metadata: { uid }, status },
        'application/strategic-merge-patch+json',
      );
    } catch (error) {
      if (error instanceof ApiError && [404, 409].includes(error.status)) return true;
      this.#isDirty = true;
      await sleep(300);
      return false;
    }
    return true;
  }
}
