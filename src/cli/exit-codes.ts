/** Exit statuses of all commands, documented in docs/tcpvsadm.md. */
export const EXIT = {
  ok: 0,
  /** It was understood but could not be done: refused, or nobody answered. */
  failed: 1,
  /** The command line itself is wrong. Nothing was tried. */
  usage: 2,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
