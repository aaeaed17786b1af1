/** The shell script that makes a container's root and becomes its first process: pure. */

export interface RootScript {
  /** An empty directory of this machine. */
  readonly root: string;
  readonly binds: readonly Bind[];
  readonly readOnlyRoot: boolean;
  readonly hostname: string;
  readonly hosts: string;
  readonly resolvConf: string;
  readonly user: number;
  readonly group: number;
  readonly groups: readonly number[];
  /** No capability, whoever it runs as. */
  readonly dropAll: boolean;
  readonly noNewPrivileges: boolean;
  readonly workingDirectory: string;
  readonly command: readonly string[];
}

export interface Bind {
  readonly from: string;
  /** Absolute, in the container. */
  readonly to: string;
  readonly isFile: boolean;
  readonly readOnly: boolean;
}

/**
 * Runs in mount, PID, UTS and network namespaces of its own. The root is a small tmpfs with this machine's programs,
 * read-only, and nothing else of it. Output goes to descriptor 4; descriptor 3 gets a line when all is made, just before the
 * command begins.
 */
export function rootScript(script: RootScript): string {
  const { root, binds, readOnlyRoot, hostname, hosts, resolvConf, workingDirectory, command } = script;
  const at = (path: string) => quote(`${root}${path}`);
  return [
    'set -e',
    'exec >&4 2>&4 4>&-',
    `hostname ${quote(hostname)}`,
    `mount -t tmpfs -o mode=755,size=64m tmpfs ${at('')}`,
    `cd ${at('')}`,
    'mkdir -p usr etc proc dev sys run tmp var/run var/tmp var/lib root home',
    'chmod 1777 tmp var/tmp',
    'mount --bind /usr usr; mount -o remount,ro,bind usr',
    // Links into /usr on what is younger than 2020, else directories.
    'for each in bin sbin lib lib64; do',
    '  if [ -L /$each ]; then cp -P /$each $each; elif [ -d /$each ]; then mkdir $each; mount --bind /$each $each; fi',
    'done',
    'for each in passwd group nsswitch.conf ld.so.cache alternatives ssl; do',
    '  [ ! -e /etc/$each ] || cp -a /etc/$each etc/',
    'done',
    `printf %s ${quote(hosts)} > etc/hosts`,
    `printf %s ${quote(resolvConf)} > etc/resolv.conf`,
    `echo ${quote(hostname)} > etc/hostname`,
    'mount -t proc proc proc',
    'mount --rbind /dev dev',
    ...binds.flatMap((bind) => bindLines(bind, at(bind.to))),
    ...(readOnlyRoot ? [`mount -o remount,ro,bind ${at('')}`] : []),
    'echo >&3',
    `exec 3>&- chroot ${at('')} setpriv ${privileges(script).join(' ')} -- ${[
      '/bin/sh',
      '-c',
      'cd "$0" && exec "$@"',
      workingDirectory,
      ...command,
    ]
      .map(quote)
      .join(' ')}`,
  ].join('\n');
}

function bindLines({ from, isFile, readOnly }: Bind, target: string): string[] {
  return [
    isFile ? `mkdir -p "$(dirname ${target})"; touch ${target}` : `mkdir -p ${target}`,
    `mount --bind ${quote(from)} ${target}`,
    ...(readOnly ? [`mount -o remount,ro,bind ${target}`] : []),
  ];
}

function privileges({ user, group, groups, dropAll, noNewPrivileges }: RootScript): string[] {
  return [
    `--reuid=${user}`,
    `--regid=${group}`,
    groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`,
    ...(dropAll ? ['--inh-caps=-all', '--bounding-set=-all'] : []),
    ...(noNewPrivileges ? ['--no-new-privs'] : []),
  ];
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
