# What follows is the same for every server (hall-mqtt/hallctl/enroll/enroll.sh). What differs stands above it:
#   hall_role, hall_program, hall_user: agent, hall-agent and its user; or relay, hall-wol and ""
#   hall_id, hall_broker, hall_config, hall_ca, hall_password, hall_docker (yes or no); hall_version: Hall's own
#   hall_made: when this was made, in seconds since 1970
#   hall_again: what hallctl enroll is given for this machine
#   hall_wanted: what an agent.json or relay.json that is kept must have in it, one a line
#   hall_url, hall_pin, hall_commit: where the rest is fetched, and the token that has Hall take the password; "": carried
#   hall_packages: a line "MACHINE TOKEN SHA256" for each; carried: the function hall_package MACHINE prints it
# shellcheck shell=sh disable=SC2154,SC1112
set -eu
umask 022
PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
export PATH
LC_ALL_WAS=${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}
LC_ALL=C
export LC_ALL

UNIT=$hall_program.service
FOLDER=/etc/hall
CONFIG=$FOLDER/$hall_role.json
SECRETS=$FOLDER/$hall_role.env
NEW=.hall-new
SPACE_KB=16384
CLOCK_S=60
CONNECT_S=90

# ---- what is said ----

# The sentence of a key, for printf.
words() {
  case $LC_ALL_WAS in
    fr*)
      case $1 in
        root) echo 'à lancer en tant que root, ou avec sudo' ;;
        systemd) echo 'cette machine ne fonctionne pas avec systemd, dont %s a besoin' ;;
        tool) echo '%s manque sur cette machine : installez-le, puis recommencez' ;;
        fetcher) echo 'ni curl ni wget ne sont installés : installez l’un des deux, ou utilisez hallctl enroll --print' ;;
        machine) echo '%s : aucun paquet n’a été fourni pour un processeur %s' ;;
        space) echo 'il reste %s ko sur le disque de %s, il en faut %s' ;;
        clock) echo 'attention : l’horloge de cette machine retarde de %s s sur celle de Hall ; le certificat du broker peut sembler pas encore valide. Réglez-la, par « timedatectl set-ntp true » par exemple' ;;
        readonly) echo 'le dossier %s n’est pas accessible en écriture' ;;
        fetch) echo '%s n’a pas pu être téléchargé ; relancez hallctl enroll %s sur la machine de Hall' ;;
        checksum) echo 'le paquet reçu n’est pas celui qui a été annoncé (somme de contrôle différente)' ;;
        package) echo 'le paquet contient un fichier inattendu : %s' ;;
        runs) echo '%s ne démarre pas ici (il faut la glibc 2.34 ou plus récente, et libsystemd)' ;;
        packaged) echo '%s est déjà installé par un paquet de cette machine : il est conservé' ;;
        differs) echo 'attention : sa version est %s, celle de Hall est %s ; mettez-le à jour avec apt ou dnf' ;;
        installed) echo '%s est installé' ;;
        instead) echo '%s est installé, à la place de %s' ;;
        user) echo 'l’utilisateur %s n’a pas pu être créé' ;;
        nodocker) echo 'attention : il n’y a pas de groupe docker ici ; l’agent ne pourra pas gérer de conteneurs' ;;
        polkit) echo 'il manque polkit, par lequel l’agent met ce serveur en veille : installation du paquet %s' ;;
        nopolkit) echo 'attention : polkit manque, l’agent ne pourra pas mettre ce serveur en veille ; installez-le par « apt-get install polkitd » (Debian, Ubuntu) ou « dnf install polkit » (AlmaLinux, Fedora), puis « systemctl restart hall-agent »' ;;
        kept) echo '%s est conservé tel quel' ;;
        replaced) echo '%s a été remplacé ; l’ancien fichier est %s' ;;
        check) echo 'la configuration reçue est refusée par %s' ;;
        commit) echo 'Hall n’a pas pu enregistrer le mot de passe auprès du broker ; voyez ce qu’affiche hallctl enroll' ;;
        start) echo '%s ne s’est pas connecté en %s s ; il est arrêté. Ses derniers messages :' ;;
        hint) echo 'Vérifiez que ce serveur atteint %s (pare-feu, nom, horloge), puis relancez hallctl enroll %s' ;;
        unchanged) echo 'rien n’a été changé' ;;
        enrolled) echo 'terminé : %s de %s est connecté à %s' ;;
      esac
      ;;
    *)
      case $1 in
        root) echo 'run this as root, or with sudo' ;;
        systemd) echo 'this machine does not run systemd, which %s needs' ;;
        tool) echo '%s is missing on this machine: install it, then try again' ;;
        fetcher) echo 'neither curl nor wget is installed: install one of them, or use hallctl enroll --print' ;;
        machine) echo 'no package of %s was provided for a processor of type %s' ;;
        space) echo '%s kB are left on the disk of %s, %s are needed' ;;
        clock) echo 'warning: the clock of this machine is %s s behind that of Hall, so the certificate of the broker may seem not valid yet; set it, for example with "timedatectl set-ntp true"' ;;
        readonly) echo 'the folder %s is not writable' ;;
        fetch) echo '%s could not be downloaded; run hallctl enroll %s again on the machine of Hall' ;;
        checksum) echo 'the package received is not the one announced (its checksum differs)' ;;
        package) echo 'the package contains an unexpected file: %s' ;;
        runs) echo '%s does not start here (it needs glibc 2.34 or newer, and libsystemd)' ;;
        packaged) echo '%s is already installed by a package of this machine: it is kept' ;;
        differs) echo 'warning: its version is %s, and Hall has %s; upgrade it with apt or dnf' ;;
        installed) echo '%s is installed' ;;
        instead) echo '%s is installed in place of %s' ;;
        user) echo 'the user %s could not be created' ;;
        nodocker) echo 'warning: there is no group docker here; the agent will not be able to manage containers' ;;
        polkit) echo 'polkit is missing, which lets the agent put this server to sleep: installing the package %s' ;;
        nopolkit) echo 'warning: polkit is missing, so the agent cannot put this server to sleep; install it with "apt-get install polkitd" (Debian, Ubuntu) or "dnf install polkit" (AlmaLinux, Fedora), then "systemctl restart hall-agent"' ;;
        kept) echo '%s is kept as it is' ;;
        replaced) echo '%s was replaced; the old file is %s' ;;
        check) echo '%s refuses the configuration received' ;;
        commit) echo 'Hall could not register the password at the broker; see what hallctl enroll shows' ;;
        start) echo '%s did not connect within %s s; it is stopped. Its last messages:' ;;
        hint) echo 'Check that this server can reach %s (firewall, name, clock), then run hallctl enroll %s again' ;;
        unchanged) echo 'nothing was changed' ;;
        enrolled) echo 'done: %s of %s is connected to %s' ;;
      esac
      ;;
  esac
}

# What it is that is installed, as the reader calls it.
thing() {
  case $LC_ALL_WAS.$hall_role in
    fr*.relay) echo 'le relais' ;;
    fr*) echo 'l’agent' ;;
    *) echo "the $hall_role" ;;
  esac
}

say() {
  key=$1
  shift
  # shellcheck disable=SC2059  # the format is one of ours
  printf "hall: $(words "$key")\n" "$@"
}

fail() {
  say "$@" >&2
  exit 1
}

# ---- the end, whatever happens ----

work=
started=no
changed=no

clean_up() {
  status=$?
  trap - EXIT
  if [ "$status" -ne 0 ] && [ "$started" = yes ]; then systemctl disable --quiet --now "$UNIT" || true; fi
  if [ -n "$work" ]; then
    while read -r file; do rm -f "$file$NEW"; done <"$work/files"
    rm -rf "$work"
  fi
  if [ "$status" -ne 0 ] && [ "$changed" = no ] && [ -n "$work" ]; then say unchanged >&2; fi
  exit "$status"
}

# ---- this machine ----

free_kb() {
  df -Pk "$1" | {
    read -r _
    read -r _ _ _ free _
    echo "$free"
  }
}

# As the packages are named. The kernel may be of 64 bits where the programs are of 32.
machine_name() {
  case $(uname -m).$(getconf LONG_BIT) in
    x86_64.64 | amd64.64) echo x86_64 ;;
    aarch64.64 | arm64.64) echo aarch64 ;;
    aarch64.32 | armv7l.32 | armv8l.32) echo armv7l ;;
    *) uname -m ;;
  esac
}

check_machine() {
  [ "$(id -u)" = 0 ] || fail root
  [ -d /run/systemd/system ] || fail systemd "$(thing)"
  for tool in systemctl tar gzip sha256sum mktemp install getent useradd date df getconf find grep journalctl; do
    command -v "$tool" >/dev/null || fail tool "$tool"
  done
  if [ -n "$hall_url" ] && ! command -v curl >/dev/null && ! command -v wget >/dev/null; then fail fetcher; fi
  [ -w /usr/bin ] || fail readonly /usr/bin
  [ -w /etc ] || fail readonly /etc
  # The key that was compared needs no clock; the broker's certificate does.
  late=$((hall_made - $(date +%s)))
  [ "$late" -le "$CLOCK_S" ] || say clock "$late" >&2
  left=$(free_kb /usr/bin)
  [ "$left" -ge "$SPACE_KB" ] || fail space "$left" /usr/bin "$SPACE_KB"
}

# ---- what is fetched ----

# The token is in no command line: others on this machine could read it there.
fetch() {
  if command -v curl >/dev/null; then
    printf 'url = "%s/%s"\n' "$hall_url" "$1" |
      curl -q --fail --silent --show-error --noproxy '*' --max-time 300 --insecure --pinnedpubkey "$hall_pin" --config -
  else
    printf '%s/%s\n' "$hall_url" "$1" |
      wget --no-config --quiet --output-document=- --tries=1 --timeout=100 --no-proxy --no-check-certificate \
        --pinnedpubkey="$hall_pin" --input-file=-
  fi
}

owned_by_package() {
  if command -v dpkg-query >/dev/null &&
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$hall_program" 2>/dev/null || true)" = installed ]; then return 0; fi
  command -v rpm >/dev/null && rpm -q --quiet "$hall_program" 2>/dev/null
}

# Takes a file of the work folder into its place beside the old one; place_files makes it the real one.
add_file() { # MODE SOURCE TARGET
  mkdir -p "$(dirname "$3")"
  echo "$3" >>"$work/files"
  install -m "$1" "$2" "$3$NEW"
}

unpack() {
  mkdir "$work/root"
  tar -xzf "$work/package" -C "$work/root" --no-same-owner
  (cd "$work/root" && find . ! -type d) >"$work/list"
  while read -r file; do
    file=${file#./}
    if [ ! -f "$work/root/$file" ] || [ -L "$work/root/$file" ]; then fail package "$file"; fi
    case $file in
      *..* | *[!A-Za-z0-9._/+-]*) fail package "$file" ;;
      "usr/bin/$hall_program") add_file 755 "$work/root/$file" "/$file" ;;
      usr/lib/*hall* | usr/share/*hall*) add_file 644 "$work/root/$file" "/$file" ;;
      *) fail package "$file" ;;
    esac
  done <"$work/list"
}

# "hall-agent 1.0"; nothing where there is none that runs.
version_of() {
  "$1" --version 2>/dev/null | tail -n 1
}

get_program() {
  program=/usr/bin/$hall_program
  before=$(version_of "$program")
  if owned_by_package; then
    say packaged "$hall_program"
    [ "$before" = "$hall_program $hall_version" ] || say differs "${before#* }" "$hall_version"
    return
  fi
  machine=$(machine_name)
  row=$(printf '%s\n' "$hall_packages" | grep "^$machine ") || fail machine "$hall_program" "$machine"
  token=${row#* }
  sum=${token#* }
  token=${token% *}
  if [ -n "$hall_url" ]; then
    fetch "$token" >"$work/package" || fail fetch "$hall_program" "$hall_again"
  else
    hall_package "$machine" >"$work/package"
  fi
  echo "$sum  $work/package" | sha256sum -c - >/dev/null 2>&1 || fail checksum
  unpack
  program=$program$NEW
  [ -x "$program" ] || fail package "$machine"
  "$program" --version >/dev/null 2>&1 || fail runs "$(thing)"
}

# ---- user and rights ----

make_user() {
  if ! getent passwd "$hall_user" >/dev/null; then
    useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$hall_user" || fail user "$hall_user"
    changed=yes
  fi
  [ "$hall_docker" = yes ] || return 0
  if getent group docker >/dev/null; then usermod -aG docker "$hall_user"; else say nodocker; fi
}

has_polkit() {
  systemctl cat polkit.service >/dev/null 2>&1
}

# Without polkit logind lets nobody but root put the machine to sleep, and a small Debian comes without it.
install_polkit() {
  if command -v apt-get >/dev/null; then
    package=polkitd
    set -- apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=60 install "$package"
  elif command -v dnf >/dev/null; then
    package=polkit
    set -- dnf -q -y --setopt=install_weak_deps=False install "$package"
  else
    return 0
  fi
  say polkit "$package"
  changed=yes
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
  # The lists of apt may be older than what its mirrors still have.
  "$@" >"$work/log" 2>&1 || { [ "$1" = apt-get ] && apt-get -q update >>"$work/log" 2>&1 && "$@" >>"$work/log" 2>&1; } ||
    tail -n 5 "$work/log" >&2
}

# Rules in JavaScript are read from polkit 0.106 on; before (Ubuntu 22.04) the same right stands in a .pkla.
check_polkit() {
  has_polkit || install_polkit
  if ! has_polkit; then
    say nopolkit
  elif [ -d /var/lib/polkit-1/localauthority/10-vendor.d ]; then
    rights=
    for action in suspend hibernate power-off reboot; do
      rights="$rights;org.freedesktop.login1.$action;org.freedesktop.login1.$action-multiple-sessions"
    done
    printf '[%s]\nIdentity=unix-user:%s\nAction=%s\nResultAny=yes\nResultInactive=yes\nResultActive=yes\n' \
      "$hall_program" "$hall_user" "${rights#;}" >"$work/pkla"
    add_file 644 "$work/pkla" /var/lib/polkit-1/localauthority/10-vendor.d/hall-agent.pkla
  fi
}

# ---- configuration ----

# A file that says the same of what matters here may have more that its owner wrote: it is kept.
fits() {
  [ -f "$CONFIG" ] || return 1
  printf '%s\n' "$hall_wanted" >"$work/wanted"
  while read -r value; do
    grep -qF "$value" "$CONFIG" || return 1
  done <"$work/wanted"
  HALL_MQTT_PASSWORD=$hall_password "$program" --config "$CONFIG" --check >/dev/null 2>&1
}

write_files() {
  [ -d "$FOLDER" ] || install -d -m 755 "$FOLDER"
  printf '%s' "$hall_config" >"$work/config"
  HALL_MQTT_PASSWORD=$hall_password "$program" --config "$work/config" --check >/dev/null || fail check "$(thing)"
  if fits; then
    say kept "$CONFIG"
  else
    if [ -e "$CONFIG" ]; then
      cp -p "$CONFIG" "$CONFIG.before"
      say replaced "$CONFIG" "$CONFIG.before"
    fi
    add_file 644 "$work/config" "$CONFIG"
  fi
  printf '%s' "$hall_ca" >"$work/ca.crt"
  add_file 644 "$work/ca.crt" "$FOLDER/ca.crt"
  # What else its owner has in there stays.
  if [ -f "$SECRETS" ]; then
    grep -v '^[[:space:]]*HALL_MQTT_PASSWORD=' "$SECRETS" >"$work/secrets" || true
  fi
  printf 'HALL_MQTT_PASSWORD=%s\n' "$hall_password" >>"$work/secrets"
  add_file 600 "$work/secrets" "$SECRETS"
}

# Has Hall make the password the one that counts; until here an older agent is as it was.
commit() {
  [ -n "$hall_url" ] || return 0
  for _ in 1 2 3; do
    if fetch "$hall_commit" >/dev/null; then return 0; fi
  done
  fail commit
}

place_files() {
  changed=yes
  while read -r file; do
    if [ -e "$file$NEW" ]; then mv -f "$file$NEW" "$file"; fi
    if command -v restorecon >/dev/null; then restorecon "$file" || true; fi
  done <"$work/files"
  # An installation by hand had its unit here, which would hide the new one.
  own=/etc/systemd/system/$UNIT
  if [ -f "$own" ] && [ ! -L "$own" ] && [ -f "/usr/lib/systemd/system/$UNIT" ]; then
    mv -f "$own" "$own.before"
    say replaced "$own" "$own.before"
  fi
}

# ---- starting ----

# What the agent that runs now has said; an older one may have said the same.
is_connected() {
  run=$(systemctl show --property=InvocationID --value "$UNIT")
  [ -n "$run" ] && systemctl is-active --quiet "$UNIT" &&
    journalctl --quiet --no-pager --output=cat "_SYSTEMD_INVOCATION_ID=$run" | grep -q 'connected by MQTT'
}

start() {
  systemctl daemon-reload
  started=yes
  systemctl enable --quiet "$UNIT"
  systemctl restart "$UNIT" || true
  waited=0
  until is_connected; do
    if [ "$waited" -ge "$CONNECT_S" ] || systemctl is-failed --quiet "$UNIT"; then
      say start "$(thing)" "$CONNECT_S" >&2
      journalctl --quiet --no-pager --output=cat --unit="$UNIT" --lines=10 >&2
      say hint "$hall_broker" "$hall_again" >&2
      exit 1
    fi
    sleep 1
    waited=$((waited + 1))
  done
}

main() {
  check_machine
  work=$(mktemp -d /tmp/hall-enroll.XXXXXXXX)
  : >"$work/files"
  : >"$work/secrets"
  chmod 600 "$work/secrets"
  trap clean_up EXIT
  trap 'exit 1' HUP INT TERM
  get_program
  if [ -n "$hall_user" ]; then
    make_user
    check_polkit
  fi
  write_files
  commit
  place_files
  now=$(version_of "/usr/bin/$hall_program")
  if [ -n "$before" ] && [ "$before" != "$now" ]; then say instead "$now" "$before"; else say installed "$now"; fi
  start
  say enrolled "$(thing)" "$hall_id" "$hall_broker"
}

# Nothing is done before the last word is here.
if true; then main </dev/null; fi
