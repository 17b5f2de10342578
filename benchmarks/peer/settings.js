// Node-RED as the peer of the benchmarks: no editor, no log, context in memory, as distributed in everything else.
module.exports = {
    flowFile: "flow.json",
    uiHost: "127.0.0.1",
    uiPort: process.env.PEER_PORT,
    httpAdminRoot: false,
    disableEditor: true,
    credentialSecret: false,
    telemetry: { enabled: false },
    diagnostics: { enabled: false, ui: false },
    logging: { console: { level: "warn", metrics: false, audit: false } },
};
