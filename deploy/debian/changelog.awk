# Makes the Debian changelog from CHANGELOG.md: one entry for each released version, `## [VERSION] - YYYY-MM-DD`.
function finish() {
  if (version == "") return
  command = "LC_ALL=C TZ=UTC date -d '" date " 12:00' '+%a, %d %b %Y %H:%M:%S +0000'"
  command | getline stamp
  close(command)
  printf "%s\n -- nsbridge maintainers <maintainers@nsbridge.example>  %s\n", items, stamp
  version = ""
}
/^## / {
  finish()
  if (match($0, /^## \[[0-9.]+\] - [0-9-]+$/)) {
    split($0, part, /[][ ]+/)
    version = part[2]; date = part[4]; items = ""
    printf "%snsbridge (%s) unstable; urgency=medium\n\n", separator, version
    separator = "\n"
  }
  next
}
version != "" && /^- / { items = items "  * " substr($0, 3) "\n" }
version != "" && /^  / { items = items "    " substr($0, 3) "\n" }
END { finish() }
