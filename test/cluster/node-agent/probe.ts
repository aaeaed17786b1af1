/** Probes and hooks of a container, as the kubelet runs them. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ContainerSpec, Handler, HttpGet, Probe } from './kinds.ts';

export interface ProbeTarget {
  readonly address: string;
  readonly container: ContainerSpec;
  /** Runs a command in the container: its exit code. */
  readonly exec: (command: readonly string[], patience: number) => Promise<number | null>;
}

/** Whether a handler succeeds; never rejects. `patience` in ms. */
export async function attempt(handler: Handler, target: ProbeTarget, patience: number): Promise<boolean> {
  const { exec, httpGet, tcpSocket, sleep: pause } = handler;
  if (exec !== undefined) return (await target.exec(exec.command, patience)) === 0;
  if (httpGet !== undefined) return await httpSucceeds(httpGet, target, patience);
  if (tcpSocket !== undefined) return await connects(target.address, portOf(tcpSocket.port, target), patience);
  if (pause !== undefined) await sleep(pause.seconds * 1000);
  return true;
}

/** How often, in ms, a readiness probe is tried until it succeeds for the first time: tests need not wait for seconds. */
const EAGER_PERIOD = 200;

/** Yields each time that a threshold is reached, until `signal`. */
export async function* probeResults(
  probe: Probe,
  target: ProbeTarget,
  signal: AbortSignal,
  isEager = false,
): AsyncGenerator<boolean> {
  const { initialDelaySeconds = 0, timeoutSeconds = 1, failureThreshold = 3, successThreshold = 1 } = probe;
  const period = Math.max(1, probe.periodSeconds ?? 10) * 1000;
  const pause = (time: number) => sleep(time, undefined, { signal }).catch(() => {});
  let inARow = 0;
  let last: boolean | null = null;
  let hasSucceeded = false;
  await pause(initialDelaySeconds * 1000);
  while (!signal.aborted) {
    const succeeded = await attempt(probe, target, timeoutSeconds * 1000);
    if (signal.aborted) return;
    inARow = succeeded === last ? inARow + 1 : 1;
    last = succeeded;
    if (inARow >= (succeeded ? successThreshold : failureThreshold)) yield succeeded;
    hasSucceeded ||= succeeded;
    await pause(isEager && !hasSucceeded ? Math.min(period, EAGER_PERIOD) : period);
  }
}

/** RFC 9110: success and redirection are what the kubelet takes for success. */
function httpSucceeds(get: HttpGet, target: ProbeTarget, patience: number): Promise<boolean> {
  return new Promise((resolve) => {
    const isHttps = get.scheme === 'HTTPS';
    const headers = Object.fromEntries((get.httpHeaders ?? []).map(({ name, value }) => [name, value]));
    const options = {
      host: target.address,
      port: portOf(get.port, target),
      path: get.path ?? '/',
      headers: { 'User-Agent': 'kube-probe/1.37', Connection: 'close', ...headers },
      timeout: patience,
      agent: false,
      rejectUnauthorized: false,
    } as const;
    const outgoing = (isHttps ? httpsRequest : httpRequest)(options, ({ statusCode = 0 }) => {
      outgoing.destroy();
      resolve(statusCode >= 200 && statusCode < 400);
    });
    outgoing.on('timeout', () => outgoing.destroy());
    outgoing.on('error', () => resolve(false));
    outgoing.on('close', () => resolve(false));
    outgoing.end();
  });
}

function connects(host: string, port: number, patience: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: patience });
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.on('connect', () => end(true));
    socket.on('timeout', () => end(false));
    socket.on('error', () => end(false));
  });
}

function portOf(port: number | string, { container }: ProbeTarget): number {
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  return named ?? Number(port);
}
