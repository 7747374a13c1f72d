#!/bin/sh
# Installs nsbridge from here: from an unpacked release, or from a checkout with NSBRIDGE_EXECUTABLE naming the published program.
#
#   PREFIX   where programs live; /usr/local unless given
#   DESTDIR  put in front of every path, for packagers; then nothing is asked of systemd
set -eu

usage() {
  echo "usage: [PREFIX=/usr/local] [DESTDIR=] $0 [--uninstall]"
}

here=$(cd "$(dirname "$0")" && pwd)
prefix=${PREFIX:-/usr/local}
destdir=${DESTDIR:-}
executable=${NSBRIDGE_EXECUTABLE:-$here/nsbridge}

bin=$prefix/bin
units=$prefix/lib/systemd/system
sysusers=$prefix/lib/sysusers.d
man=$prefix/share/man
completions=$prefix/share/bash-completion/completions
zsh=$prefix/share/zsh/site-functions
fish=$prefix/share/fish/vendor_completions.d
doc=$prefix/share/doc/nsbridge
schema=$prefix/share/nsbridge/appsettings.schema.json
config=/etc/nsbridge/appsettings.json
# In a release the documents lie beside this file, in a checkout one folder higher.
documents=$here
[ -d "$here/docs" ] || documents=$(dirname "$here")

systemd_runs() {
  [ -z "$destdir" ] && [ -d /run/systemd/system ]
}

# The unit and the manual say where the program and the examples are.
place() {
  sed -e "s#/usr/bin/nsbridge#$bin/nsbridge#g" -e "s#/usr/share/doc/nsbridge#$doc#g" \
    -e "s#/usr/share/nsbridge/appsettings.schema.json#$schema#g" "$1" >"$destdir$2"
  chmod 0644 "$destdir$2"
}

install_everything() {
  if [ ! -x "$executable" ]; then
    echo "$0: no executable at $executable. Publish it and say where it is:" >&2
    echo "  dotnet publish src/NsBridge -c Release -o out && NSBRIDGE_EXECUTABLE=out/nsbridge $0" >&2
    exit 1
  fi
  install -d -m 0755 "$destdir$bin" "$destdir$units" "$destdir$sysusers" "$destdir$man/man5" "$destdir$man/man8" "$destdir$completions" \
    "$destdir$zsh" "$destdir$fish" "$destdir$doc/examples" "$destdir$(dirname "$config")/conf.d" "$destdir$(dirname "$schema")"
  # Beside it and then over it: the program may be running.
  install -m 0755 "$executable" "$destdir$bin/.nsbridge.new"
  mv -f "$destdir$bin/.nsbridge.new" "$destdir$bin/nsbridge"
  "$executable" check --schema >"$destdir$schema"
  chmod 0644 "$destdir$schema"
  place "$here/nsbridge.service" "$units/nsbridge.service"
  install -m 0644 "$here/sysusers.conf" "$destdir$sysusers/nsbridge.conf"
  place "$here/man/nsbridge.8" "$man/man8/nsbridge.8"
  place "$here/man/nsbridge.json.5" "$man/man5/nsbridge.json.5"
  install -m 0644 "$here/completions/nsbridge" "$destdir$completions/nsbridge"
  install -m 0644 "$here/completions/_nsbridge" "$destdir$zsh/_nsbridge"
  install -m 0644 "$here/completions/nsbridge.fish" "$destdir$fish/nsbridge.fish"
  for example in "$here"/examples/* "$here/alerts.yml" "$here/grafana-dashboard.json"; do
    place "$example" "$doc/examples/$(basename "$example")"
  done
  for document in README.md CHANGELOG.md SECURITY.md; do
    install -m 0644 "$documents/$document" "$destdir$doc/$document"
  done
  (cd "$documents/docs" && find . -type f) | while read -r document; do
    install -D -m 0644 "$documents/docs/$document" "$destdir$doc/docs/$document"
  done
  # What the operator wrote is never touched.
  [ -e "$destdir$config" ] || place "$here/config/appsettings.json" "$config"

  if systemd_runs; then
    if command -v systemd-sysusers >/dev/null; then
      systemd-sysusers "$sysusers/nsbridge.conf"
    elif ! getent passwd nsbridge >/dev/null; then
      useradd --system --user-group --no-create-home --home-dir / --shell /usr/sbin/nologin nsbridge
    fi
    systemctl daemon-reload
    # With a wrong configuration the service would not come up again; its faults are on standard error.
    if "$bin/nsbridge" check --config "$config" >/dev/null; then
      systemctl try-restart nsbridge.service
    else
      echo "$0: a daemon that runs goes on as it is. Correct the configuration, then: systemctl restart nsbridge" >&2
    fi
    echo "Installed. Write bridges into $config, then: systemctl enable --now nsbridge"
  fi
}

uninstall_everything() {
  if systemd_runs && systemctl cat nsbridge.service >/dev/null 2>&1; then
    systemctl disable --now nsbridge.service
  fi
  rm -f "$destdir$bin/nsbridge" "$destdir$units/nsbridge.service" "$destdir$sysusers/nsbridge.conf" "$destdir$man/man8/nsbridge.8" "$destdir$man/man5/nsbridge.json.5" \
    "$destdir$completions/nsbridge" "$destdir$zsh/_nsbridge" "$destdir$fish/nsbridge.fish" "$destdir$schema"
  for example in "$here"/examples/* alerts.yml grafana-dashboard.json; do
    rm -f "$destdir$doc/examples/$(basename "$example")"
  done
  rm -f "$destdir$doc/README.md" "$destdir$doc/CHANGELOG.md" "$destdir$doc/SECURITY.md"
  rm -rf "$destdir$doc/docs"
  rmdir "$destdir$(dirname "$schema")" "$destdir$(dirname "$config")/conf.d" "$destdir$doc/examples" "$destdir$doc" 2>/dev/null || true
  if systemd_runs; then
    systemctl daemon-reload
  fi
  [ ! -e "$destdir$config" ] || echo "Kept $config."
}

case ${1:-} in
  '') install_everything ;;
  --uninstall) uninstall_everything ;;
  -h | --help) usage ;;
  *)
    usage >&2
    exit 64
    ;;
esac
