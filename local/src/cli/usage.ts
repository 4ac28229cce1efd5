export const USAGE = `microvm-sandbox-local: a local cloud for sandboxes on AWS Lambda MicroVMs

  microvm-sandbox-local start [options]     starts a local cloud, and runs until Ctrl-C
  microvm-sandbox-local ps [options]        lists the microVMs of the running local cloud
  microvm-sandbox-local logs [microvmId]    shows what microVMs wrote

start
  --app <folder>        deploys a cloud assembly, as in cdk.out
  --watch               deploys again whenever the assembly was written anew
  --json                prints one line of JSON once ready: endpoints, env, stacks; the rest goes to stderr
  --port <n>            port on loopback (default: a free one)
  --state <folder>      keeps everything but running microVMs over a restart
  --region <name>       default: us-east-1
  --account <digits>    default: 000000000000
  --isolation <kind>    auto, namespaces or processes (default: auto)
  --run-steps           executes the RUN steps of Dockerfiles
  --engine <name>       builds and runs images with docker, podman, finch or nerdctl; auto takes the first (default: none)
  --quotas              applies the account's default quotas
  --time-scale <n>      how long starts, suspends and builds take: 1 is as on AWS (default: 0.02)
  --bandwidth           limits the endpoints of microVMs as AWS does

ps, logs
  --json                one line of JSON for each microVM or log event
  --follow              logs: waits for more
  --port <n>            of the local cloud, or
  --endpoint <url>      its address (default: AWS_ENDPOINT_URL, else the one that runs)

  -h, --help            shows this
  --version             shows the version
`;

/** The command line is not one that is understood. */
export class UsageError extends Error {}
