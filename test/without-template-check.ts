/**
 * CDK's own check of templates takes ten seconds to load, and refuses some that tests need. Each app's templates go through it in
 * `end-to-end/integ.test.ts`.
 */
process.env.CDK_VALIDATION = 'false';
