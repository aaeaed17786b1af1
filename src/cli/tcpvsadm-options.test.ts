import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { BUILT_IN_SERVICES } from '../ktcpvs/services.ts';
import { taskOf } from './tcpvsadm-command.ts';
import { COMMANDS, OPTIONS, UsageError, isCluster, nameOf, readCommandLine } from './tcpvsadm-options.ts';
import type { CommandName, OptionSpec } from './tcpvsadm-options.ts';

/** The table of legal options as the specification has it: written out here, not read from the code. */
const LEGAL: Record<CommandName, { needs: string; may: string }> = {
  AddService: {
    needs: '-i',
    may: '-s -l -P --startservers --minspareservers --maxspareservers --maxclients --redirect',
  },
  EditService: {
    needs: '-i',
    may: '-s -l -P --startservers --minspareservers --maxspareservers --maxclients --redirect',
  },
  DeleteService: { needs: '-i', may: '' },
  Flush: { needs: '', may: '' },
  AddServer: { needs: '-i -r', may: '-w' },
  EditServer: { needs: '-i -r', may: '-w' },
  DeleteServer: { needs: '-i -r', may: '' },
  AddRule: { needs: '-i -p -r', may: '-m -w' },
  DeleteRule: { needs: '-i -p -r', may: '' },
  List: { needs: '', may: '-i -n --json --rate' },
  Load: { needs: '', may: '' },
  Start: { needs: '', may: '-i' },
  Stop: { needs: '', may: '-i' },
  Help: { needs: '', may: '' },
};

/** Every option with a value that is right. */
const GOOD: Record<string, string[]> = {
  '-i': ['-i', 'http'],
  '-s': ['-s', 'http'],
  '-l': ['-l', '127.0.0.1:8000'],
  '-P': ['-P', '8000'],
  '--startservers': ['--startservers', '8'],
  '--minspareservers': ['--minspareservers', '6'],
  '--maxspareservers': ['--maxspareservers', '18'],
  '--maxclients': ['--maxclients', '256'],
  '--redirect': ['--redirect', 'localhost:80'],
  '-r': ['-r', 'r1:80'],
  '-w': ['-w', '5'],
  '-p': ['-p', '/a'],
  '-m': ['-m', '1'],
  '-n': ['-n'],
  '--json': ['--json'],
  '--rate': ['--rate'],
};

const list = (text: string) => text.split(' ').filter((word) => word !== '');
const words = (given: string[]) => given.flatMap((option) => GOOD[option] ?? []);
const commandWords = (name: CommandName, form: 'long' | 'short' = 'long'): string[] => {
  const spec: OptionSpec = COMMANDS[name];
  const word = form === 'short' && spec.short !== undefined ? `-${spec.short}` : `--${spec.long}`;
  return spec.value === undefined ? [word] : [word, 'file'];
};
const NAMES = Object.keys(LEGAL) as CommandName[];
const optionSpecs: Record<string, OptionSpec> = Object.fromEntries(
  Object.values(OPTIONS).map((spec: OptionSpec) => [
    spec.short === undefined ? `--${spec.long}` : `-${spec.short}`,
    spec,
  ]),
);

const refused = (args: string[]): string => {
  try {
    taskOf(readCommandLine(args), BUILT_IN_SERVICES);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  return assert.fail(`not refused: ${args.join(' ')}`);
};

test('the table has every option and command', () => {
  assert.deepEqual(Object.keys(COMMANDS).toSorted(), NAMES.toSorted());
  assert.deepEqual(Object.keys(GOOD).toSorted(), Object.keys(optionSpecs).toSorted());
});

for (const name of NAMES) {
  const { needs, may } = LEGAL[name];
  describe(nameOf(COMMANDS[name]), () => {
    test('with what it needs, with each that it may have, with all of them, in either order', () => {
      const all = [...list(needs), ...list(may)];
      for (const given of [list(needs), all, ...list(may).map((option) => [...list(needs), option])]) {
        for (const form of ['long', 'short'] as const) {
          const before = readCommandLine([...commandWords(name, form), ...words(given)]);
          const after = readCommandLine([...words(given), ...commandWords(name, form), '--socket=/s']);
          assert.equal(before.command, name);
          assert.equal(Object.keys(before.options).length, given.length);
          assert.deepEqual(after, { ...before, place: { socket: '/s' } });
          taskOf(before, BUILT_IN_SERVICES);
        }
      }
    });

    test('without one that it needs', () => {
      for (const missing of list(needs)) {
        const message = refused([...commandWords(name), ...words(list(needs).filter((each) => each !== missing))]);
        assert.equal(message, `${nameOf(COMMANDS[name])} needs ${nameOf(optionSpecs[missing] as OptionSpec)}`);
      }
    });

    test('with each option that it does not allow', () => {
      const allowed = [...list(needs), ...list(may)];
      for (const option of Object.keys(GOOD).filter((each) => !allowed.includes(each))) {
        const message = refused([...commandWords(name), ...words([...list(needs), option])]);
        const expected = `${nameOf(optionSpecs[option] as OptionSpec)} is not allowed with ${nameOf(COMMANDS[name])}`;
        assert.equal(message, expected);
      }
    });

    test('with each command beside it', () => {
      for (const other of NAMES) {
        const message = refused([...commandWords(name), ...commandWords(other), ...words(list(needs))]);
        assert.equal(message, `one command at a time: ${nameOf(COMMANDS[name])} and ${nameOf(COMMANDS[other])}`);
      }
    });

    test('with an option twice', () => {
      for (const option of [...list(needs), ...list(may)]) {
        const message = refused([...commandWords(name), ...words([...list(needs), ...list(may), option])]);
        assert.equal(message, `${nameOf(optionSpecs[option] as OptionSpec)} is given twice`);
      }
      assert.equal(refused([...commandWords(name), '--socket', 'a', '--socket', 'b']), '--socket is given twice');
    });

    test('with words left over', () => {
      for (const extra of [['word'], ['-'], ['--', 'word'], ['']]) {
        assert.match(refused([...commandWords(name), ...words(list(needs)), ...extra]), /is left over/);
      }
    });
  });
}

test('as a kubectl plugin, -n is the namespace, and there is no socket', () => {
  const { place, options: given } = readCommandLine(['-n', 'shop', '--numeric', '-L'], 'kubectl tcpvs');
  assert.deepEqual({ place, given }, { place: { namespace: 'shop' }, given: { numeric: '' } });
  assert.throws(() => readCommandLine(['--socket', '/s'], 'kubectl tcpvs'), /unknown option "--socket"/);
  assert.ok(isCluster({}, 'kubectl tcpvs'));
});

test('a server or a cluster, not both', () => {
  assert.equal(
    refused(['--socket', '/s', '--context', 'c']),
    "--socket is a server's, --context a cluster's: one of them",
  );
  assert.deepEqual(
    [{ namespace: 'shop' }, { socket: '/s' }, { kubeconfig: 'f' }, { context: 'c' }].map((place) =>
      isCluster(place, 'tcpvsadm'),
    ),
    [false, false, true, true],
  );
});

test('names that say no namespace are of the one that is given', () => {
  const task = taskOf(readCommandLine(['-D', '-i', 'http']), BUILT_IN_SERVICES, 'shop');
  assert.deepEqual(task, {
    kind: 'Change',
    command: { kind: 'DeleteService', ident: { namespace: 'shop', name: 'http' } },
  });
});

test('no command means list, and says so', () => {
  assert.equal(readCommandLine([]).command, 'List');
  assert.deepEqual(readCommandLine(['-n', '-i', 'http']).options, { numeric: '', ident: 'http' });
  assert.equal(
    refused(['-w', '5']),
    '--weight (-w) is not allowed with --list (-L), which is meant where no command is given',
  );
});

const options = (...args: string[]) => readCommandLine(args).options;

test('values attached, bundled, with and without "="', () => {
  const expected = { ident: 'http', server: 'r1:80', weight: '5' };
  assert.deepEqual(options('-a', '-i', 'http', '-r', 'r1:80', '-w', '5'), expected);
  assert.deepEqual(options('-ai', 'http', '-rr1:80', '-w5'), expected);
  assert.deepEqual(options('-aihttp', '--real-server=r1:80', '--weight', '5'), expected);
  assert.deepEqual(options('-Lni', 'x'), { numeric: '', ident: 'x' });
  assert.deepEqual(options('--add-rule', '--pattern=/a=b', '-i', 'x', '-r', 'y'), {
    pattern: '/a=b',
    ident: 'x',
    server: 'y',
  });
  assert.deepEqual(options('--add-rule', '--pattern', '--socket', '-i', 'x', '-r', 'y')['pattern'], '--socket');
});

const rule = (...more: string[]) => ['--add-rule', '-i', 'http', '-r', 'r1:80', ...more];
const service = (...more: string[]) => ['-A', '-i', 'http', ...more];
const server = (...more: string[]) => ['-a', '-i', 'http', ...more];
for (const [args, expected] of [
  [['-x'], 'unknown option "-x"; --help lists those there are'],
  [['-Lx'], 'unknown option "-x"; --help lists those there are'],
  [['--lists'], 'unknown option "--lists"; --help lists those there are'],
  [['--list=yes'], '--list (-L) takes no value'],
  [['-A', '-i'], '--ident (-i) needs a value: NAME'],
  [['-f'], '--load-configfile (-f) needs a value: FILE'],
  [['--socket'], '--socket needs a value: PATH'],
  [['-D', '-i', 'Web'], '--ident (-i): read "Web", expected a name of lower-case letters'],
  [['-D', '-i', ''], '--ident (-i): read "", expected a name of lower-case letters'],
  [service('-s', 'rr'), '--scheduler (-s): read "rr", expected one of the schedulers wlc, http, phttp, chttp, hhttp'],
  [service('-P', '0'), '--port (-P): read "0", expected a port from 1 to 65535'],
  [service('-P', '65536'), '--port (-P): read "65536", expected a port from 1 to 65535'],
  [
    service('-P', 'nosuch'),
    '--port (-P): read "nosuch", expected a port from 1 to 65535, or the name of a TCP service',
  ],
  [service('-l', 'a:b:80'), '--listen (-l): read "a:b:80", expected an IPv6 address'],
  [service('-l', '*:80', '-P', '81'), '--listen (-l) names port 80 and --port (-P) port 81'],
  [service('--maxclients', '-1'), '--maxclients: read "-1", expected a whole number from 0 to 1000000'],
  [service('--startservers', '65536'), '--startservers: read "65536", expected a whole number from 0 to 65535'],
  [service('--redirect', 'r1'), '--redirect: read "r1", expected HOST:PORT, or none'],
  [server('-r', 'r1:0'), '--real-server (-r): read "r1:0", expected a port from 1 to 65535'],
  [server('-r', 'r1:80', '-w', '65536'), '--weight (-w): read "65536", expected a whole number from 0 to 65535'],
  [server('-r', 'r1:80', '-w-1'), '--weight (-w): read "-1", expected a whole number from 0 to 65535'],
  [server('-r', 'r1:80', '-w=5'), '--weight (-w): read "=5", expected a whole number from 0 to 65535'],
  [rule('-p', '/a', '-m', '11'), '--match (-m): read "11", expected a whole number from 0 to 10'],
  [rule('-p', ''), '--pattern (-p): read "", expected a POSIX extended regular expression'],
  [rule('-p', '/a\n'), '--pattern (-p): read "/a\\n", expected a POSIX extended regular expression'],
] as const) {
  test(`refused: ${args.join(' ').trim()}`, () => {
    const message = refused([...args]);
    assert.ok(message.startsWith(expected), message);
  });
}

test('service names are ports', () => {
  const task = taskOf(readCommandLine(service('-P', 'webcache', '--redirect', 'r9:www')), BUILT_IN_SERVICES);
  assert.ok(task.kind === 'Change' && task.command.kind === 'AddService');
  assert.deepEqual(task.command.options.listen, { host: undefined, port: 8080 });
  assert.deepEqual(task.command.options.redirect, { host: 'r9', port: 80 });
});
