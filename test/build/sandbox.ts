/**
 * Runs a program as the image would be run in a cluster: a root directory with nothing in it but what the Dockerfile
 * copies, glibc and libstdc++, read-only; user 65532 without a capability or a way to one; a network of its own with
 * nothing but a loopback. Root or a user namespace will do.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { ImageStage } from '../../packaging/dockerfile.ts';

export interface Sandbox {
  /** An empty directory of the test. */
  readonly scratch: string;
  readonly image: ImageStage;
  /** What stands for the build stage's files: path there → path here. */
  readonly built: ReadonlyMap<string, string>;
}

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const TOOLS = ['unshare', 'setpriv', 'mount', 'ip', 'ldd'];

/** What the base image has, whichever it is. */
const BASE = /^(ld-linux[-\w.]*|lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s))\.so\.\d+$/;

/** Path of a library that a program asks for. */
export function libraryOf(program: string, name: string): string {
  const found = librariesOf(program).find((path) => basename(path) === name);
  if (found === undefined) throw new Error(`${program} does not ask for ${name}`);
  return found;
}

function librariesOf(program: string): readonly string[] {
  const lines = execFileSync('ldd', [program], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => /(?:^|=>)\s*(\/\S+)/.exec(line)?.[1] ?? []);
}

/** For the `skip` of a test; false in continuous integration, where what cannot run must fail. */
export function noSandbox(): string | false {
  if (process.env['CI'] !== undefined) return false;
  const missing = TOOLS.filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
  if (missing.length > 0) return `needs ${missing.join(', ')}`;
  const [outer] = process.getuid?.() === 0 ? AS_ROOT : AS_ANYBODY;
  const made = spawnSync('unshare', [...outer, '--mount', '--net', 'true']).status === 0;
  return made ? false : 'namespaces are not allowed here';
}

/** The arguments are those of the container; `entrypoint` replaces the image's, as `command` of a pod does. */
export function runInImage(
  { scratch, image, built }: Sandbox,
  args: readonly string[],
  entrypoint: readonly string[] = image.entrypoint,
): Promise<Ran> {
  const root = join(scratch, 'root');
  mkdirSync(root, { recursive: true });
  const [outer, become] = process.getuid?.() === 0 ? AS_ROOT : AS_ANYBODY;
  const own = image.copies.map(({ source, target }) => `${here(built, source)} ${target}`);
  const libraries = librariesOf(process.execPath).filter((path) => BASE.test(basename(path)));
  const copies = [...libraries.map((path) => `${path} ${path}`), ...own].join('\n');
  const namespaces = [...outer, '--mount', '--net', '--pid', '--fork', '--kill-child'];
  const setup = ['sh', '-ceu', SETUP, 'sh', root, image.directory, become, copies];
  const child = spawn('unshare', [...namespaces, ...setup, ...entrypoint, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

function here(built: ReadonlyMap<string, string>, source: string): string {
  const path = built.get(source);
  if (path === undefined) throw new Error(`the image copies ${source}, which this test does not have`);
  return path;
}

/** How the namespaces are made, and how a process in them becomes the image's user. */
type Way = readonly [outer: readonly string[], become: string];

const AS_ROOT: Way = [[], '--setgid=65532 --setuid=65532'];

/** Two user namespaces: one to mount in, and one that calls whoever runs the test 65532. Files of theirs stay theirs. */
const AS_ANYBODY: Way = [['--user', '--map-root-user'], '--user --map-user=65532 --map-group=65532'];

/**
 * $1: where the root shall be, $2: working directory, $3: how to become the user, $4: lines `from to`, the rest: what to
 * run.
 */
const SETUP = `
root=$1 directory=$2 become=$3 copies=$4; shift 4
ip link set lo up
mount -t tmpfs -o mode=755 none "$root"
mkdir -p "$root/proc" "$root/dev" "$root/etc" "$root/var/lib/tcpvs"
for device in null zero urandom; do : > "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
echo 'tcpvs:x:65532:65532::/:' > "$root/etc/passwd"
echo '127.0.0.1 localhost' > "$root/etc/hosts"
echo "$copies" | while read -r from to; do
  if [ -d "$from" ]; then mkdir -p "$root$to"; else mkdir -p "$(dirname "$root$to")"; : > "$root$to"; fi
  mount --bind "$from" "$root$to" && mount -o remount,bind,ro "$root$to"
done
mount -t proc none "$root/proc"
mount -t tmpfs -o mode=1777,size=64m none "$root/var/lib/tcpvs"
mount -o remount,bind,ro "$root"
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin setpriv --no-new-privs \\
  unshare $become --root="$root" --wd="$directory" -- "$@"
`;
