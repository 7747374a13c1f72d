#!/bin/sh
# Builds nsbridge_VERSION_ARCH.deb and nsbridge-VERSION-linux-ARCH.tar.gz into OUTDIR; the same input gives the same bytes.
# Needs dpkg-deb and dpkg-shlibdeps (Debian's dpkg-dev) and the .NET SDK, or an executable published before in NSBRIDGE_EXECUTABLE.
set -eu

if [ $# -ne 1 ]; then
  echo "usage: [NSBRIDGE_EXECUTABLE=FILE] $0 OUTDIR" >&2
  exit 64
fi

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
mkdir -p "$1"
out=$(cd "$1" && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
changelog=$work/changelog
awk -f "$here/debian/changelog.awk" "$root/CHANGELOG.md" >"$changelog"

version=$(sed -n 's#.*<Version>\(.*\)</Version>.*#\1#p' "$root/Directory.Build.props")
if [ "$(dpkg-parsechangelog -l "$changelog" -S Version)" != "$version" ]; then
  echo "$0: the newest release in CHANGELOG.md is not version $version of Directory.Build.props" >&2
  exit 1
fi
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l "$changelog" -S Timestamp)
export SOURCE_DATE_EPOCH
arch=$(dpkg --print-architecture)
umask 022

executable=${NSBRIDGE_EXECUTABLE:-}
if [ -z "$executable" ]; then
  dotnet publish "$root/src/NsBridge" -c Release -o "$work/publish"
  executable=$work/publish/nsbridge
fi

# -- The package: what install.sh lays out, and what Debian wants beside it --
stage=$work/package
DESTDIR=$stage PREFIX=/usr NSBRIDGE_EXECUTABLE=$executable "$here/install.sh"
install -m 0644 "$here/debian/copyright" "$stage/usr/share/doc/nsbridge/copyright"
gzip -9n <"$changelog" >"$stage/usr/share/doc/nsbridge/changelog.gz"
gzip -9n "$stage/usr/share/man/man8/nsbridge.8" "$stage/usr/share/man/man5/nsbridge.json.5"

install -d "$stage/DEBIAN"
echo /etc/nsbridge/appsettings.json >"$stage/DEBIAN/conffiles"
for script in postinst prerm postrm; do
  install -m 0755 "$here/debian/$script" "$stage/DEBIAN/$script"
done
(cd "$stage" && find . -path ./DEBIAN -prune -o -path ./etc -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$stage/DEBIAN/md5sums"

# dpkg-shlibdeps reads the program's libraries and insists on a source control file beside it.
mkdir "$work/source" "$work/source/debian"
printf 'Source: nsbridge\n\nPackage: nsbridge\nArchitecture: any\n' >"$work/source/debian/control"
depends=$(cd "$work/source" && dpkg-shlibdeps -O -e"$stage/usr/bin/nsbridge" | sed -n 's/^shlibs:Depends=//p')
size=$(du -sk --exclude=DEBIAN --apparent-size "$stage" | cut -f1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@DEPENDS@/$depends/" -e "s/@SIZE@/$size/" "$here/debian/control" >"$stage/DEBIAN/control"

# Root owns every file, whichever user builds.
dpkg-deb --root-owner-group -Zxz --build "$stage" "$out/nsbridge_${version}_$arch.deb"

# -- The tarball: install.sh and what it installs, for every other distribution --
name=nsbridge-$version-linux-$arch
release=$work/$name
mkdir "$release"
cp -R "$here/install.sh" "$here/nsbridge.service" "$here/sysusers.conf" "$here/config" "$here/man" "$here/completions" "$here/examples" \
  "$here/alerts.yml" "$here/grafana-dashboard.json" "$root/README.md" "$root/CHANGELOG.md" "$root/SECURITY.md" "$root/docs" "$root/LICENSE" "$release"
install -m 0755 "$executable" "$release/nsbridge"
tar --sort=name --owner=root:0 --group=root:0 --numeric-owner --mode=u+rw,go-w,a+rX --mtime="@$SOURCE_DATE_EPOCH" -C "$work" -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
echo "$out/$name.tar.gz"
