/** The helm program: the one that the cluster tests use, else the system's. */
import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '../..');

export const CHART = path.join(ROOT, 'charts/tcpvs');

/** A program of the cluster tests: TCPVS_CLUSTER_BIN, the project's own build, PATH; null: there is none. */
export function findProgram(name: string): string | null {
  const { TCPVS_CLUSTER_BIN: given = '', PATH: system = '' } = process.env;
  const directories = [given, path.join(ROOT, '.cache/cluster/bin'), ...system.split(path.delimiter)];
  for (const directory of directories.filter((each) => each !== '')) {
    const file = path.join(directory, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // the next one
    }
  }
  return null;
}

/** Runs it and answers with whatever happened. Errors: there is no helm. */
export function helm(...args: readonly string[]): SpawnSyncReturns<string> {
  const program = findProgram('helm');
  if (program === null) throw new Error('there is no helm: `make cluster-binaries` builds it');
  return spawnSync(program, [...args], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

/** The text that the chart renders to. `values` is YAML or JSON. Errors: what helm says. */
export function render(release: string, namespace: string, values = '{}'): string {
  const program = findProgram('helm');
  if (program === null) throw new Error('there is no helm: `make cluster-binaries` builds it');
  return execFileSync(program, ['template', release, CHART, '--namespace', namespace, '--values', '-'], {
    input: values,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
}
