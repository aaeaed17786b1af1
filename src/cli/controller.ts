import { CONTROLLER_ROUTES, type ControllerBackend } from '../admin/routes.ts';
import { serveRoutes } from '../admin/server.ts';
import type { ClusterController } from '../controller/controller.ts';
import { controllerMetrics } from '../controller/metrics.ts';
import { giveBackWhenCalm } from '../memory/calm.ts';
import { localListeners } from '../proxy/supervisor/local-listeners.ts';
import { renderFamilies } from '../telemetry/exposition.ts';
import { createLogger } from '../telemetry/log.ts';
import { helpText, readCommandLine, UsageError } from './command-line.ts';
import { CONTROLLER_HELP, type ControllerCommandOptions, controllerOptions } from './controller-options.ts';
import { endProcess } from './end-process.ts';
import { EXIT } from './exit-codes.ts';
import type { Output } from './output.ts';
import { VERSION } from './version.ts';

/** `tcpvs controller`: runs until SIGTERM or SIGINT. */
export async function controller(args: readonly string[], { out, style }: Output): Promise<number> {
  const line = readCommandLine(CONTROLLER_HELP, args);
  if (line.help) {
    out(helpText(CONTROLLER_HELP, style));
    return EXIT.ok;
  }
  const { connectApi } = await import('../kube/connect.ts');
  const kubeconfig = line.value('kubeconfig');
  const connection = (() => {
    try {
      return connectApi({ kubeconfig, userAgent: `tcpvs-controller/${VERSION}` });
    } catch (error) {
      throw new UsageError(`--kubeconfig: ${(error as Error).message}`);
    }
  })();
  const options = controllerOptions(line, process.env, connection.namespace);
  const log = createLogger({ level: options.logLevel });
  const code = await run(options, connection.api, log).catch((error: unknown) => {
    log.fatal(`tcpvs controller: ${(error as Error).message}`);
    log.debug({ err: error }, 'the same with its stack');
    return EXIT.failed;
  });
  return await endProcess(log, code);
}

type Log = ReturnType<typeof createLogger>;

async function run(options: ControllerCommandOptions, api: Parameters<typeof create>[1], log: Log): Promise<number> {
  const asked = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
  const cluster = await create(options, api, log);
  const phase = { ending: false };
  const handle = await localListeners().open(options.admin.address, options.admin.port);
  const backend = backendOf(cluster, phase);
  const admin = await serveRoutes({ routes: CONTROLLER_ROUTES, backend, log, handle });
  log.info({ ...options.admin, port: admin.port, version: VERSION }, 'admin API');
  const failed = cluster.start().then(() => new Promise<never>(() => undefined));
  const stopLooking = giveBackWhenCalm();
  const signal = await Promise.race([asked, failed]);
  stopLooking();
  log.info(`${signal}: handing over`);
  phase.ending = true;
  await cluster.close();
  await admin.close();
  api.close();
  return EXIT.ok;
}

async function create(
  options: ControllerCommandOptions,
  api: ConstructorParameters<typeof ClusterController>[1]['api'],
  log: Log,
) {
  const { ClusterController: Controller } = await import('../controller/controller.ts');
  return new Controller(options.controller, { api, log });
}

function backendOf(cluster: ClusterController, phase: { readonly ending: boolean }): ControllerBackend {
  const isReady = () => cluster.waiting === null && !phase.ending;
  return {
    readiness: () => {
      const reasons = [...(phase.ending ? ['ending'] : []), ...(cluster.waiting === null ? [] : [cluster.waiting])];
      return { ready: isReady(), reasons: [...reasons, ...cluster.complaints], details: [] };
    },
    metrics: () => renderFamilies(controllerMetrics({ version: VERSION, ready: isReady(), ...cluster.metrics })),
    counts: () => cluster.counts(),
    profiles: () => cluster.profiles(),
  };
}
