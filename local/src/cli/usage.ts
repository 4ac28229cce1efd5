export const USAGE = `microvm-sandbox-local: a local cloud for sandboxes on AWS Lambda MicroVMs

  microvm-sandbox-local start [options]     starts a local cloud, and runs until Ctrl-C
  microvm-sandbox-local ps [options]        lists the microVMs of the running local cloud
  microvm-sandbox-local logs [microvmId]    shows what microVMs wrote

start
  --app <folder>        deploys a cloud assembly, as in cdk.out
  --watch               deploys again whenever the assembly was written anew
  --json                prints one line of JSON once ready: endpoints, env, stacks; the rest goes to stderr
  --port <n>            port on loopback (default: a free one, or that of the state)
  --state <folder>      keeps everything but running microVMs over a restart
  --region <name>       default: us-east-1, or that of the state
  --account <digits>    default: 000000000000, or that of the state
  --isolation <kind>    auto, namespaces or processes (default: auto)
  --run-steps           executes the RUN steps of Dockerfiles
  --engine <name>       builds and runs images with docker, podman, finch or nerdctl; auto takes the first (default: none)
  --quotas              applies the quotas of a new account
  --memory-quota <MiB>  memory of all microVMs; a RunMicrovm beyond it is answered 402
  --time-scale <n>      seconds for a second that AWS takes from state to state: 1 as on AWS, 0 at once (default: 0.02)
  --bandwidth           the endpoints of microVMs carry as much as on AWS, and no more

ps, logs
  --json                one line of JSON for each microVM or log event
  -f, --follow          logs: waits for more
  --port <n>            of the local cloud, or
  --endpoint <url>      its address (default: AWS_ENDPOINT_URL, else the one that runs)

  -h, --help            shows this
  --version             shows the version
`;

/** The command line is not one that is understood. */
export class UsageError extends Error {}
