/** Files that no build context should carry, as .gitignore patterns: secrets, histories, and what is built anew anyway. */
export const DEFAULT_EXCLUDE = [
  // Made anew, and where old secrets stay.
  '.git', '.hg', '.svn', 'node_modules', 'cdk.out',
  // Settings with passwords and tokens in them.
  '.env', '.env.*', '.envrc', '.npmrc', '.netrc', '_netrc', '.pypirc', '.git-credentials', '.htpasswd', '.pgpass', '.my.cnf',
  '.mylogin.cnf', '.vault-token', '.s3cfg', '.boto', '.databrickscfg', '.dockercfg', 'kubeconfig', '.terraformrc',
  '**/.cargo/credentials', '**/.cargo/credentials.toml', '**/.gem/credentials', '**/.m2/settings.xml', '**/.m2/settings-security.xml',
  // Folders of command lines.
  '.aws', '.azure', '.gcloud', '**/.config/gcloud', '**/.config/gh', '**/.config/doctl', '.kube', '.docker', '.oci', '.ssh', '.gnupg', '.pulumi',
  // Terraform: its state holds every secret in the clear.
  '.terraform', '*.tfstate', '*.tfstate.*', '*.tfvars', '*.tfvars.json',
  // Keys and key stores.
  '*.pem', '*.key', '*.p8', '*.p12', '*.pfx', '*.jks', '*.keystore', '*.bks', '*.ppk', '*.kdbx',
  'id_rsa', 'id_dsa', 'id_ecdsa', 'id_ecdsa_sk', 'id_ed25519', 'id_ed25519_sk',
  // Google's service accounts and OAuth clients, as they are named when they are downloaded.
  'credentials.json', 'application_default_credentials.json', 'service-account*.json', 'service_account*.json', 'serviceAccount*.json',
  'client_secret*.json',
  // Histories of shells and consoles: passwords are typed there.
  '.*_history', '.histfile', '.lesshst', '.viminfo',
];
