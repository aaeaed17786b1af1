/** From a container's specification to the process that it is to be. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { CannotStart } from './container.ts';
import { environmentOf, expand, MissingSource } from './environment.ts';
import type { Image } from './images.ts';
import type { ContainerSpec, Pod } from './kinds.ts';
import type { Objects } from './objects.ts';
import { type ContainerProcess, startProcess } from './process.ts';
import { type Bind, rootScript } from './root-script.ts';
import type { Volumes } from './volumes.ts';

export interface LaunchInput {
  readonly pod: Pod;
  readonly container: ContainerSpec;
  /** Which run of it, from 0. */
  readonly run: number;
  /** The pod's directory. */
  readonly directory: string;
  readonly podIP: string;
  readonly hostIP: string;
  /** Path of the network namespace. */
  readonly network: string;
  readonly volumes: Volumes;
  readonly objects: Objects;
  readonly images: (reference: string) => Image | null;
  readonly resolvConf: string;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Throws CannotStart where something is missing or not allowed. */
export function launch(input: LaunchInput): ContainerProcess {
  const { pod, container, run, directory, network, images } = input;
  const image = images(container.image);
  if (image === null) throw new CannotStart('ErrImagePull', `no image is known here as ${container.image}`);
  const environment = environmentFor(input);
  const root = join(directory, 'roots', `${container.name}-${run}`);
  const logs = join(directory, 'logs');
  for (const each of [root, logs]) mkdirSync(each, { recursive: true });
  const hostname = pod.spec.hostname ?? pod.metadata.name;
  const { readOnlyRootFilesystem = false, allowPrivilegeEscalation, capabilities } = container.securityContext ?? {};
  const script = rootScript({
    root,
    binds: [...image.binds.map(({ from, to }) => ({ from, to, isFile: false, readOnly: true })), ...mounts(input)],
    readOnlyRoot: readOnlyRootFilesystem,
    hostname,
    hosts: `127.0.0.1 localhost\n::1 localhost\n${input.podIP} ${hostname}\n`,
    resolvConf: input.resolvConf,
    ...identityOf(pod, container, image),
    dropAll: capabilities?.drop?.includes('ALL') ?? false,
    noNewPrivileges: allowPrivilegeEscalation === false,
    workingDirectory: container.workingDir ?? image.workingDirectory,
    command: commandOf(container, image).map((word) => expand(word, environment)),
  });
  return startProcess({
    network,
    script,
    scriptFile: join(directory, `${container.name}.sh`),
    log: join(logs, `${container.name}-${String(run).padStart(3, '0')}.log`),
    environment,
  });
}

function environmentFor(input: LaunchInput): Record<string, string> {
  try {
    const services = input.objects.services();
    return { PATH, HOME: '/', ...environmentOf({ ...input, services }) };
  } catch (error) {
    if (error instanceof MissingSource) throw new CannotStart('CreateContainerConfigError', error.message);
    throw error;
  }
}

function commandOf({ command, args }: ContainerSpec, image: Image): string[] {
  if (command !== undefined) return [...command, ...(args ?? [])];
  return [...image.entrypoint, ...(args ?? image.args)];
}

function identityOf({ spec }: Pod, container: ContainerSpec, image: Image) {
  const of = { ...spec.securityContext, ...container.securityContext };
  const user = of.runAsUser ?? image.user;
  if (of.runAsNonRoot === true && user === 0) {
    throw new CannotStart('CreateContainerConfigError', 'container has runAsNonRoot and image will run as root');
  }
  const group = of.runAsGroup ?? (of.runAsUser === undefined ? image.user : 0);
  return { user, group, groups: spec.securityContext?.fsGroup === undefined ? [] : [spec.securityContext.fsGroup] };
}

function mounts({ container, volumes }: LaunchInput): Bind[] {
  return (container.volumeMounts ?? []).map(({ name, mountPath, subPath, readOnly = false }) => {
    const from = join(volumes.path(name), subPath ?? '');
    const isFile = statSync(from, { throwIfNoEntry: false })?.isFile();
    if (isFile === undefined) throw new CannotStart('CreateContainerConfigError', `volume ${name} has no ${subPath}`);
    return { from, to: mountPath, isFile, readOnly };
  });
}
