/** kstatus' rules for kinds that it does not know, as its documentation has them: what Flux and kpt wait by. */
export type KStatus = 'Current' | 'InProgress' | 'Failed' | 'Terminating';

export interface LiveObject {
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export function kstatus({ metadata, status = {} }: LiveObject): KStatus {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  const { observedGeneration, conditions = [] } = status;
  if (observedGeneration !== undefined && observedGeneration !== metadata.generation) return 'InProgress';
  const is = (type: string) => conditions.find((condition) => condition.type === type)?.status;
  if (is('Reconciling') === 'True') return 'InProgress';
  if (is('Stalled') === 'True') return 'Failed';
  const ready = is('Ready');
  // Without one: nothing speaks against it.
  return ready === undefined || ready === 'True' ? 'Current' : 'InProgress';
}
