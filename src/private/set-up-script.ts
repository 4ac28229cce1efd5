/**
 * Prepares an image of the user's own for the sandbox runtime: the user that commands run as, with uid 1000 or the next that is free, and
 * the workspace. Small images have no useradd, so the tables are written by hand. Then it starts what the image must be able to start:
 * a build that fails with words is better than a hook that is never answered.
 */
export const SET_UP_SCRIPT = `#!/bin/bash
set -e
name=sandbox

# Looks for a value in a column of a table, both numbered as in passwd(5).
has() {
  local -a fields
  while IFS=: read -r -a fields; do
    [ "\${fields[$1 - 1]}" != "$2" ] || return 0
  done < "$3"
  return 1
}

if ! has 1 "$name" /etc/passwd; then
  id=1000
  while has 3 "$id" /etc/passwd || has 3 "$id" /etc/group; do id=$((id + 1)); done
  if ! has 1 "$name" /etc/group; then echo "$name:x:$id:" >> /etc/group; fi
  while IFS=: read -r group _ gid _; do
    if [ "$group" = "$name" ]; then break; fi
  done < /etc/group
  echo "$name:x:$id:$gid::/home/$name:/bin/bash" >> /etc/passwd
  mkdir -p "/home/$name"
  chown "$id:$gid" "/home/$name"
fi

mkdir -p /workspace
while IFS=: read -r user _ uid gid _; do
  if [ "$user" = "$name" ]; then chown "$uid:$gid" /workspace; fi
done < /etc/passwd

node=/opt/microvm-sandbox/node
if [ -e "$node" ] && ! "$node" --version; then
  echo 'The sandbox runtime cannot be added: its Node does not start here. It needs an arm64 image with glibc 2.28 or newer and libstdc++.' >&2
  exit 1
fi
`;
