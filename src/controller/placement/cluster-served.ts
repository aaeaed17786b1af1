/** What proxies say of a workload's cells on a host. Pure. */
import type { AppWeightMatrixSpec } from '../../api/app-weight-matrix.ts';
import type { CountsDocument } from '../../model/counts.ts';
import type { ObjectKey } from '../../model/snapshot.ts';
import type { Served } from '../../model/workloads.ts';

/**
 * @param proxies counts of each that is ready; null: nothing was heard of it
 * @param addressesOf of the workload's pods on a host
 */
export function clusterServed(
  matrix: ObjectKey,
  { apps }: AppWeightMatrixSpec,
  proxies: readonly (CountsDocument | null)[],
  addressesOf: (host: string, workload: string) => ReadonlySet<string>,
): Served {
  const namespace = matrix.slice(0, matrix.indexOf('/') + 1);
  return {
    isQuiesced: (host, workload) => {
      const columns = apps.filter(({ workloadRef }) => workloadRef?.name === workload);
      return (
        proxies.length > 0 &&
        proxies.every(
          (counts) =>
            counts !== null &&
            columns.every(({ name }) => {
              const row = counts.rows.find(({ id }) => id === `matrix ${matrix} ${name}`);
              return row?.cells.find(({ server }) => server === `${namespace}${host}`)?.weight === 0;
            }),
        )
      );
    },
    inFlight: (host, workload) => {
      const addresses = addressesOf(host, workload);
      let sum = 0;
      for (const counts of proxies) {
        if (counts === null) return null;
        for (const { server, address, active } of counts.endpoints) {
          if (server === `${namespace}${host}` && addresses.has(address)) sum += active;
        }
      }
      return sum;
    },
  };
}
