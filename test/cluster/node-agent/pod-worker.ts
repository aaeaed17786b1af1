/** The life of one pod on its node, from its network to its last status. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type ApiClient, ApiError } from '../api-client.ts';
import { Container } from './container.ts';
import type { ContainerSpec, Pod } from './kinds.ts';
import { launch, type LaunchInput } from './launch.ts';
import { StatusWriter } from './status-writer.ts';
import { podStatus } from './status.ts';
import { openVolumes, type Volumes } from './volumes.ts';

/** Where a pod is on the network. */
export interface Sandbox {
  readonly podIP: string;
  readonly hostIP: string;
  /** Path of the network namespace. */
  readonly network: string;
  close(): Promise<void>;
}

export interface PodTools extends Pick<LaunchInput, 'objects' | 'images'> {
  readonly client: ApiClient;
  /** Of all pods. */
  readonly directory: string;
  readonly hostIP: string;
  openSandbox(pod: Pod): Promise<Sandbox>;
  requestToken(pod: Pod, audience: string | undefined, seconds: number): Promise<string>;
  readonly resolvConf: (namespace: string) => string;
}

export class PodWorker {
  #pod: Pod;
  readonly #tools: PodTools;
  readonly #directory: string;
  readonly #status: StatusWriter;
  readonly #startTime = new Date().toISOString();
  readonly #stopping = new AbortController();
  readonly #init: Container[];
  readonly #main: Container[];
  #sandbox: Sandbox | null = null;
  #volumes: Volumes | null = null;
  #isOver = false;
  /** Resolves when nothing of it is left on this machine but its logs. */
  readonly finished: Promise<void>;

  constructor(pod: Pod, tools: PodTools) {
    this.#pod = pod;
    this.#tools = tools;
    const { namespace, name, uid } = pod.metadata;
    this.#directory = join(tools.directory, `${namespace}_${name}_${uid}`);
    mkdirSync(join(this.#directory, 'logs'), { recursive: true });
    const containers = (specs: readonly ContainerSpec[], isInit: boolean) =>
      specs.map((spec) => this.#container(spec, isInit));
    this.#init = containers(pod.spec.initContainers ?? [], true);
    this.#main = containers(pod.spec.containers, false);
    this.#status = new StatusWriter(tools.client, pod, () => podStatus(this.#view(), new Date().toISOString()));
    this.finished = this.#live();
    if (pod.metadata.deletionTimestamp !== undefined) this.update(pod);
  }

  is(namespace: string, name: string): boolean {
    return this.#pod.metadata.namespace === namespace && this.#pod.metadata.name === name;
  }

  /** The object as it is now. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp === undefined) return;
    this.stop(pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30);
  }

  /** Ends it within so many seconds; at once for 0. */
  stop(gracePeriod: number): void {
    this.#stopping.abort();
    for (const container of [...this.#init, ...this.#main]) void container.stop(gracePeriod);
  }

  /** A signal to the first process of a container, or of the first container. */
  kill(name: string | null, signal: NodeJS.Signals): void {
    const container = this.#main.find(({ spec }) => name === null || spec.name === name);
    if (container === undefined) throw new Error(`pod ${this.#pod.metadata.name} has no container ${name}`);
    container.kill(signal);
  }

  async #live(): Promise<void> {
    const isOpen = await this.#open();
    if (isOpen && (await this.#runInit())) await Promise.all(this.#main.map((container) => container.run()));
    await this.#volumes?.close();
    await this.#sandbox?.close();
    for (const each of ['volumes', 'roots']) rmSync(join(this.#directory, each), { recursive: true, force: true });
    this.#isOver = true;
    this.#status.write();
    await this.#stopped();
    await this.#status.close();
    await this.#remove();
  }

  /** Network and volumes, as soon as what they need is there; false: it was stopped before. */
  async #open(): Promise<boolean> {
    const { signal } = this.#stopping;
    this.#status.write();
    this.#sandbox = await this.#tools.openSandbox(this.#pod);
    // Others need the address as early as can be: policies, for one.
    this.#status.write();
    while (!signal.aborted) {
      try {
        const token = (audience: string | undefined, seconds: number) =>
          this.#tools.requestToken(this.#pod, audience, seconds);
        const { objects } = this.#tools;
        const directory = join(this.#directory, 'volumes');
        this.#volumes = await openVolumes(this.#pod, directory, this.#sandbox, { objects, requestToken: token });
        return true;
      } catch {
        // Something is not there yet that is not optional, or the API is away.
        await sleep(200, undefined, { signal }).catch(() => {});
      }
    }
    return false;
  }

  async #runInit(): Promise<boolean> {
    for (const container of this.#init) {
      const { exitCode } = await container.run();
      if (exitCode !== 0 || this.#stopping.signal.aborted) return false;
    }
    return true;
  }

  #container(spec: ContainerSpec, isInit: boolean): Container {
    const { restartPolicy = 'Always', terminationGracePeriodSeconds: gracePeriod = 30 } = this.#pod.spec;
    return new Container({
      spec,
      // An init container that succeeded is done.
      restartPolicy: isInit && restartPolicy === 'Always' ? 'OnFailure' : restartPolicy,
      gracePeriod,
      address: () => this.#sandbox?.podIP ?? '',
      start: (run) => this.#launch(spec, run),
      changed: () => this.#status.write(),
    });
  }

  #launch(container: ContainerSpec, run: number) {
    const { objects, images, resolvConf } = this.#tools;
    const sandbox = this.#sandbox;
    const volumes = this.#volumes;
    if (sandbox === null || volumes === null) throw new Error('a container before its pod');
    return launch({
      ...sandbox,
      pod: this.#pod,
      container,
      run,
      directory: this.#directory,
      volumes,
      objects,
      images,
      resolvConf: resolvConf(this.#pod.metadata.namespace),
    });
  }

  #view() {
    return {
      pod: this.#pod,
      hostIP: this.#tools.hostIP,
      podIP: this.#sandbox?.podIP ?? null,
      startTime: this.#startTime,
      initContainers: this.#init,
      containers: this.#main,
      isOver: this.#isOver,
    };
  }

  #stopped(): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Says to the API that nothing of it runs any more. */
  async #remove(): Promise<void> {
    const { namespace, name, uid } = this.#pod.metadata;
    for (;;) {
      try {
        const options = { gracePeriodSeconds: 0, preconditions: { uid } };
        await this.#tools.client.delete(`/api/v1/namespaces/${namespace}/pods/${name}`, options);
        return;
      } catch (error) {
        // It is gone already, or another one has its name.
        if (error instanceof ApiError && [404, 409].includes(error.status)) return;
        await sleep(300);
      }
    }
  }
}
