/** The serving process: source, controller, proxy and admin API, joined. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { AdminBackend } from '../admin/backend.ts';
import { startAdmin } from '../admin/server.ts';
import { makeDirectory } from '../disk/make-directory.ts';
import { memoryReader } from '../memory/bounds.ts';
import { SolverThread } from '../placement/thread/solver-thread.ts';
import { startServing } from '../proxy/main/serving.ts';
import type { Serving } from '../proxy/serving-contract.ts';
import type { Listening } from '../proxy/supervisor/local-listeners.ts';
import { Controller } from '../standalone/controller.ts';
import { InstanceUsage } from '../standalone/instance-usage.ts';
import { Learner } from '../standalone/learner.ts';
import { faultText } from '../standalone/objects.ts';
import { fileParser } from '../standalone/parse-file.ts';
import { StandaloneSource } from '../standalone/source.ts';
import { newCookieKeys, StateDirectory } from '../standalone/state-directory.ts';
import { PlacementManager } from '../steering/placement-manager.ts';
import { renderFamilies } from '../telemetry/exposition.ts';
import { isLogLevel, type Log } from '../telemetry/log.ts';
import { placementFamilies } from '../telemetry/metrics-placement.ts';
import { collectMetrics } from '../telemetry/metrics.ts';
import { SeriesBudget } from '../telemetry/series.ts';
import { checkPattern } from '../translate/check-pattern.ts';
import { translate } from '../translate/translate.ts';
import type { ServeOptions } from './serve-options.ts';
import { type Running, runServingProcess, type Surroundings } from './serving-process.ts';
import { lockState } from './state-lock.ts';
import { systemServices } from './tcpvsadm-input.ts';
import { startTracing, type Tracing } from './tracing.ts';
import { MAX_CONNECTIONS } from './traffic-options.ts';
import { VERSION } from './version.ts';

const HOUR = 3_600_000;

/** Runs until it has drained; resolves to the exit code. */
export function runServing(options: ServeOptions): Promise<number> {
  return runServingProcess('serve', options, (surroundings) => start(options, surroundings));
}

async function start(options: ServeOptions, { log, listeners, ready }: Surroundings): Promise<Running> {
  const report = (message: string) => log.error(message);
  const sockets = await bindAdmin(options, listeners);
  const stateDirectory = options.stateDir === null ? null : await StateDirectory.open(options.stateDir);
  if (options.stateDir !== null) await lockState(options.stateDir, listeners, log);
  const cookieKeys = (await stateDirectory?.cookieKeys(report)) ?? newCookieKeys();
  const ticketKeys = (await stateDirectory?.ticketKeys(report, Date.now())) ?? [];
  const parse = fileParser(await systemServices());
  const source = await StandaloneSource.open({ config: options.config, parse, stateDirectory, log });
  const { trustedProxies, accessLog, logLevel, workers } = options;
  const tracing = startTracing(options, log);
  const serving = await startServing({
    workers,
    settings: {
      trustedProxies,
      cookieKeys,
      ticketKeys,
      accessLog,
      tracing: tracing.settings,
      logLevel,
      maxConnections: MAX_CONNECTIONS,
      admin: options.admin,
    },
    listeners,
    log,
    memory: memoryReader({ given: options.memoryLimit }),
    ...tracing.serving,
    rehearse: () => controller.rehearse(),
  });
  const rotation = stateDirectory === null ? null : rotateTicketKeys(stateDirectory, serving, report);
  const controller = new Controller({
    source,
    serving,
    translate: (state, previous) => translate(state, { checkPattern, ...(previous === undefined ? {} : { previous }) }),
    log,
    className: options.className,
    profiles: () => learner.profiles(false),
    computed: (key, spec) => manager.rows(key, spec),
    placements: () => manager.placements(),
    onFirst: () => {
      const adopted = source.adopt().catch((error: Error) => log.error(`state: ${error.message}`));
      void adopted.then(ready);
    },
  });
  const usage = options.cgroups === null ? null : new InstanceUsage(options.cgroups);
  const learner = new Learner({
    serving,
    matrices: () => controller.placeable.matrices,
    usage: usage === null ? null : (matrices) => usage.read(matrices),
    kept: (await stateDirectory?.profiles(report)) ?? null,
    keep: stateDirectory === null ? null : (book) => stateDirectory.keepProfiles(book),
    report,
  });
  const manager = new PlacementManager({
    counts: () => serving.countsInSlices(),
    proxies: () => ({ heard: serving.ready ? 1 : 0, all: 1 }),
    solver: new SolverThread(),
    mode: 'Standalone',
    workloads: null,
    objects: () => controller.placeable,
    className: options.className,
    profiles: () => learner.profiles(false),
    apply: () => controller.recompute(),
    kept: (await stateDirectory?.placement(report)) ?? null,
    keep: stateDirectory === null ? null : (known) => stateDirectory.keepPlacement(known),
    log,
  });
  const phase = { draining: false };
  const backend = backendOf({ options, log, source, serving, controller, learner, manager, phase, tracing });
  const admin = await startAdmin({ backend, log, ...sockets });
  const port = admin.port === null ? {} : { port: admin.port };
  log.info({ socket: options.adminSocket, ...options.admin, ...port }, 'admin API');
  learner.start();
  await controller.start();
  manager.start();
  const waiting = controller.waiting;
  if (waiting !== null) log.error(`not ready: ${waiting}`);
  return {
    reload: async () => {
      log.info('reading the configuration again');
      await controller.reload();
    },
    stop: async ({ deadline, replaced }) => {
      phase.draining = true;
      clearInterval(rotation ?? undefined);
      controller.close();
      await manager.close({ keep: !replaced });
      await learner.close({ keep: !replaced });
      // The one that has taken over keeps the state now, and answers on the admin sockets.
      await source.close({ keep: !replaced });
      if (replaced) await admin.close();
      await serving.drain(
        Math.min(deadline, options.drainTimeout + options.drainDelay),
        replaced ? 0 : options.drainDelay,
      );
      await serving.close();
      await tracing.close();
      await admin.close();
    },
  };
}

/** Looks now and then whether they are due; another process may have made new ones meanwhile. */
function rotateTicketKeys(
  directory: StateDirectory,
  serving: Serving,
  report: (message: string) => void,
): NodeJS.Timeout {
  const rotate = async () => serving.setTicketKeys(await directory.ticketKeys(report, Date.now()));
  return setInterval(() => {
    rotate().catch((error: Error) => report(`keys of session tickets are not rotated: ${error.message}`));
  }, HOUR).unref();
}

interface AdminSockets {
  readonly socket: object;
  readonly tcp?: object;
}

/** Before anything else: most often it is what tells that this server runs already. */
async function bindAdmin({ admin, adminSocket }: ServeOptions, listeners: Listening): Promise<AdminSockets> {
  const directory = dirname(adminSocket);
  await makeDirectory(directory, 0o700).catch((error: Error) => {
    throw new Error(`${directory}, for the admin socket: ${error.message}`);
  });
  const { uid } = await stat(directory);
  // Somebody else's directory (made in /tmp before us, say): they could put a socket of theirs in the place of ours.
  if (uid !== 0 && uid !== process.getuid?.())
    throw new Error(`${directory}, for the admin socket, belongs to user ${uid}`);
  const socket = await listeners.openPath(adminSocket);
  return admin === null ? { socket } : { socket, tcp: await listeners.open(admin.address, admin.port) };
}

interface Parts {
  readonly options: ServeOptions;
  readonly log: Log;
  readonly source: StandaloneSource;
  readonly serving: Serving;
  readonly controller: Controller;
  readonly learner: Learner;
  readonly manager: PlacementManager;
  readonly phase: { readonly draining: boolean };
  readonly tracing: Tracing;
}

function backendOf({
  options,
  log,
  source,
  serving,
  controller,
  learner,
  manager,
  phase,
  tracing,
}: Parts): AdminBackend {
  const budget = new SeriesBudget(options.metricSeries);
  const isReady = () => serving.ready && controller.waiting === null && !phase.draining;
  return {
    readiness: () => {
      const { faults } = source.state;
      const reasons = [
        ...(phase.draining ? ['draining'] : []),
        ...(controller.waiting === null ? [] : [controller.waiting]),
        ...(controller.waiting === null && !phase.draining && !serving.ready ? ['no worker is alive'] : []),
        ...(faults.length === 0
          ? []
          : [
              `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'} in the configuration; what was good before is served`,
            ]),
      ];
      return { ready: isReady(), reasons, details: faults.map(faultText) };
    },
    metrics: () => {
      const counts = serving.counts();
      const objects = controller.conditions(counts).map(({ kind, conditions }) => ({
        kind,
        ready: conditions.find((condition) => condition.type === 'Ready')?.status ?? 'Unknown',
      }));
      const traffic = { totals: serving.totals(), counts, profiles: learner.profiles(false) };
      const input = { version: VERSION, config: controller.config(), objects, ready: isReady(), traffic };
      return renderFamilies([
        ...collectMetrics(input, budget),
        ...placementFamilies(manager.placements()),
        ...tracing.families(),
      ]);
    },
    status: () => controller.status(),
    objects: () => controller.objects(),
    write: (write) => controller.write(write),
    counts: () => serving.counts(),
    profiles: () => learner.profiles(),
    snapshot: () => controller.snapshot,
    logLevel: () => log.level,
    setLogLevel: (level) => {
      if (!isLogLevel(level)) return false;
      log.level = level;
      serving.setLogLevel(level);
      return true;
    },
    reload: () => controller.reload(),
  };
}
