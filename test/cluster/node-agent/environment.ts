/** The environment of a container: pure. */
import type { KubeObject } from '../api-client.ts';
import { podField } from './fields.ts';
import type { ContainerSpec, EnvironmentVariable, Pod } from './kinds.ts';
import type { Objects } from './objects.ts';

export interface EnvironmentInput {
  readonly pod: Pod;
  readonly container: ContainerSpec;
  readonly podIP: string;
  readonly hostIP: string;
  readonly objects: Objects;
  /** All Services, for the variables that name them. */
  readonly services: readonly KubeObject[];
}

/** Where something that is not optional is missing, says what. */
export class MissingSource extends Error {}

export function environmentOf(input: EnvironmentInput): Record<string, string> {
  const { pod, container } = input;
  const variables: Record<string, string> = {
    ...serviceVariables(input),
    HOSTNAME: pod.spec.hostname ?? pod.metadata.name,
  };
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const source = configMapRef ?? secretRef;
    if (source === undefined) continue;
    const data = dataOf(input, configMapRef === undefined ? 'Secret' : 'ConfigMap', source.name, source.optional);
    for (const [key, value] of Object.entries(data ?? {})) variables[prefix + key] = value;
  }
  for (const variable of container.env ?? []) {
    const value = valueOf(input, variable);
    if (value !== null) variables[variable.name] = expand(value, variables);
  }
  return variables;
}

/** `$(NAME)` by a variable that is known; `$$(NAME)` stands for itself. */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$|\(([^()]+)\))/g, (all, what: string, name: string | undefined) => {
    if (what === '$') return '$';
    return variables[name ?? ''] ?? all;
  });
}

function valueOf(input: EnvironmentInput, { name, value, valueFrom }: EnvironmentVariable): string | null {
  if (valueFrom === undefined) return value ?? '';
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef !== undefined) return podField(input.pod, fieldRef.fieldPath, input);
  if (resourceFieldRef !== undefined) {
    const [list = '', resource = ''] = resourceFieldRef.resource.split('.');
    return input.container.resources?.[list as 'limits' | 'requests']?.[resource] ?? '0';
  }
  const reference = configMapKeyRef ?? secretKeyRef;
  if (reference === undefined) throw new MissingSource(`env ${name}: no source that is known here`);
  const kind = configMapKeyRef === undefined ? 'Secret' : 'ConfigMap';
  const found = dataOf(input, kind, reference.name, reference.optional)?.[reference.key];
  if (found !== undefined) return found;
  if (reference.optional === true) return null;
  throw new MissingSource(`couldn't find key ${reference.key} in ${kind} ${reference.name}`);
}

function dataOf(
  { pod, objects }: EnvironmentInput,
  kind: 'ConfigMap' | 'Secret',
  name: string,
  optional = false,
): Readonly<Record<string, string>> | null {
  const data = objects.data(kind, pod.metadata.namespace, name);
  if (data === null) {
    if (optional) return null;
    throw new MissingSource(`${kind.toLowerCase()} "${name}" not found`);
  }
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, value.toString()]));
}

function serviceVariables({ pod, services }: EnvironmentInput): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const { metadata, spec } of services) {
    const isApi = metadata.namespace === 'default' && metadata.name === 'kubernetes';
    const isLinked = metadata.namespace === pod.metadata.namespace && pod.spec.enableServiceLinks !== false;
    if (!(isApi || isLinked) || spec.clusterIP === 'None' || spec.clusterIP === undefined) continue;
    const name = metadata.name.toUpperCase().replaceAll('-', '_');
    const ports = spec.ports as { name?: string; port: number }[];
    variables[`${name}_SERVICE_HOST`] = spec.clusterIP;
    variables[`${name}_SERVICE_PORT`] = String(ports[0]?.port ?? '');
    for (const port of ports.filter((each) => each.name !== undefined)) {
      variables[`${name}_SERVICE_PORT_${port.name?.toUpperCase().replaceAll('-', '_')}`] = String(port.port);
    }
  }
  return variables;
}
