/** The serving process of `tcpvs proxy`: snapshots from the controller, and nothing else of the control plane. */
import { PUBLIC_ROUTES, type PublicBackend } from '../admin/routes.ts';
import { serveRoutes } from '../admin/server.ts';
import { DeliveryClient } from '../delivery/client/client.ts';
import { memoryReader } from '../memory/bounds.ts';
import { startServing } from '../proxy/main/serving.ts';
import type { Serving } from '../proxy/serving-contract.ts';
import { renderFamilies } from '../telemetry/exposition.ts';
import { collectMetrics } from '../telemetry/metrics.ts';
import { SeriesBudget } from '../telemetry/series.ts';
import type { ProxyOptions } from './proxy-options.ts';
import { type Running, runServingProcess, type Surroundings } from './serving-process.ts';
import { startTracing, type Tracing } from './tracing.ts';
import { MAX_CONNECTIONS } from './traffic-options.ts';
import { VERSION } from './version.ts';

/** Runs until it has drained; resolves to the exit code. */
export function runProxy(options: ProxyOptions): Promise<number> {
  return runServingProcess('proxy', options, (surroundings) => start(options, surroundings));
}

async function start(options: ProxyOptions, { log, listeners, ready }: Surroundings): Promise<Running> {
  const handle = await listeners.open(options.admin.address, options.admin.port);
  const { workers, trustedProxies, accessLog, logLevel, controller, className } = options;
  const tracing = startTracing(options, log);
  const serving = await startServing({
    workers,
    // Keys come with the first snapshot.
    settings: {
      trustedProxies,
      cookieKeys: [],
      ticketKeys: [],
      accessLog,
      tracing: tracing.settings,
      logLevel,
      maxConnections: MAX_CONNECTIONS,
      admin: options.admin,
    },
    listeners,
    log,
    memory: memoryReader({ given: options.memoryLimit }),
    samples: true,
    ...tracing.serving,
  });
  const client = await DeliveryClient.start({
    ...controller,
    bundleFile: options.bundleFile,
    tokenFile: options.tokenFile,
    stateDirectory: options.stateDir,
    serving,
    log,
    version: VERSION,
    className,
    onFirst: ready,
  });
  const phase = { draining: false };
  const backend = backendOf({ serving, client, phase, tracing, budget: new SeriesBudget(options.metricSeries) });
  const admin = await serveRoutes({ routes: PUBLIC_ROUTES, backend, log, handle });
  log.info({ ...options.admin, port: admin.port, version: VERSION }, 'admin API');
  return {
    reload: () => {
      log.info({ host: controller.host }, 'looking for controllers again');
      client.look();
      return Promise.resolve();
    },
    stop: async ({ deadline, replaced }) => {
      phase.draining = true;
      if (replaced) {
        // The one that has taken over reports now, and answers on the admin port.
        await client.close();
        await admin.close();
      }
      const longest = Math.min(deadline, options.drainTimeout + options.drainDelay);
      // Snapshots are taken until the end: endpoints go while it drains, too.
      await serving.drain(longest, replaced ? 0 : options.drainDelay);
      await client.close();
      await serving.close();
      await tracing.close();
      await admin.close();
    },
  };
}

interface Parts {
  readonly serving: Serving;
  readonly client: DeliveryClient;
  readonly phase: { readonly draining: boolean };
  readonly budget: SeriesBudget;
  readonly tracing: Tracing;
}

function backendOf({ serving, client, phase, tracing, budget }: Parts): PublicBackend {
  const isReady = () => serving.ready && client.waiting === null && !phase.draining;
  return {
    readiness: () => {
      const { waiting, troubles } = client;
      const started = waiting === null;
      const reasons = [
        ...(phase.draining ? ['draining'] : []),
        ...(started ? troubles : [waiting]),
        ...(started && !phase.draining && !serving.ready ? ['no worker is alive'] : []),
      ];
      return { ready: isReady(), reasons, details: [] };
    },
    metrics: () => {
      const traffic = { totals: serving.totals(), counts: serving.counts(), profiles: null };
      const input = { version: VERSION, config: client.config(), objects: null, ready: isReady(), traffic };
      return renderFamilies([...collectMetrics(input, budget), ...client.families(), ...tracing.families()]);
    },
  };
}
