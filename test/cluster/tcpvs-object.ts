/** An object of ours, as a client writes it. */
export const tcpvsObject = (kind: string, name: string, spec: object) => ({
  apiVersion: 'tcpvs.io/v1alpha1',
  kind,
  metadata: { name },
  spec,
});
