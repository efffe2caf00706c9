# SPDX-License-Identifier: Apache-2.0
# ./sluice, in a copy of the source tree with nothing built. The tests run in order: later ones use the build of earlier ones.
set -u

origin=$(cd -P -- "${0%/*}/.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
tree=$tmp/tree
bad=0

mkdir "$tree"
(cd "$origin" && tar -cf - --exclude=target --exclude=.git .) | tar -xf - -C "$tree"
version='sluice 0.1.0'

# Runs a command, keeping its output, errors and exit code in $tmp/out, $tmp/err and $code.
try() {
  "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null
  code=$?
}

ok() { echo "ok - $*"; }

not_ok() {
  bad=1
  echo "not ok - $*: exit code $code"
  sed 's/^/    out: /' "$tmp/out"
  sed 's/^/    err: /' "$tmp/err"
}

# Holds the last command to its exit code ($2), its output ($3) and a pattern for its one line of errors ($4).
expect() {
  if [ "$code" -eq "$2" ] && [ "$(cat "$tmp/out")" = "$3" ] && ! echo "$(cat "$tmp/err")" | grep -qvx -- "$4"; then
    ok "$1"
  else
    not_ok "$1"
  fi
}

builds() { ls -d "$tree"/target/launcher/*-*/ | wc -l; }

try env JDK_WANTED=999 "$tree/sluice" --version
expect "without a JDK it says in one line what to install" 69 "" 'sluice: needs a JDK 999 or newer.*'

mkdir "$tmp/bin"
for tool in sh readlink find; do ln -s "$(command -v $tool)" "$tmp/bin/$tool"; done
try env PATH="$tmp/bin" "$tree/sluice" --version
expect "without Maven it says in one line what to install" 69 "" 'sluice: needs Maven 3.8 or newer.*'

"$tree/sluice" --version > "$tmp/other" 2> /dev/null < /dev/null &
try "$tree/sluice" --version
wait
if [ "$(cat "$tmp/out" "$tmp/other")" = "$(printf '%s\n%s' "$version" "$version")" ] && [ "$(builds)" -eq 1 ]; then
  ok "two at once on an unbuilt tree: one builds, both run"
else
  not_ok "two at once on an unbuilt tree: one builds, both run ($(builds) builds)"
fi

cd /
try "$tree/sluice" --version
expect "what is built runs at once, from any directory, and says nothing else" 0 "$version" ''

ln -s "$tree/sluice" "$tmp/link"
cd "$tmp" && try ./link --version
expect "a symbolic link to it works" 0 "$version" ''
cd "$tree" && try sh sluice --version
expect "so does running it by the shell" 0 "$version" ''

try "$tree/sluice" 'no such' command
expect "arguments and the exit code pass through unchanged" 2 "" ".*'no such'.*"

mkdir -p "$tmp/jdk17/bin" && : > "$tmp/jdk17/bin/javac" && chmod +x "$tmp/jdk17/bin/javac"
echo 'JAVA_VERSION="17.0.1"' > "$tmp/jdk17/release"
try env JAVA_HOME="$tmp/jdk17" "$tree/sluice" --version
expect "an older JDK in JAVA_HOME is passed by" 0 "$version" ''

cache=$(ls "$tree"/target/launcher/current/*.aot)
if [ -s "$cache" ]; then ok "there is an AOT cache of this build"; else not_ok "there is an AOT cache of this build"; fi
echo 'no cache at all' > "$cache"
try "$tree/sluice" --version
expect "a cache that the JVM refuses is no news to the user" 0 "$version" ''
rm "$cache"
try "$tree/sluice" --version
expect "a missing cache is made anew, silently" 0 "$version" ''
if [ -s "$cache" ]; then ok "and it is there again"; else not_ok "and it is there again"; fi

if [ "$(id -u)" -eq 0 ]; then
  rm "$cache"
  mkdir "$tmp/home" && chown 65534 "$tmp/home"
  try setpriv --reuid=65534 --clear-groups env HOME="$tmp/home" "$tree/sluice" --version
  expect "in somebody else's tree it runs as well" 0 "$version" ''
  if [ -s "$(ls "$tmp"/home/.cache/sluice/*/*.aot)" ]; then ok "and keeps its cache at home"; else not_ok "and keeps its cache at home"; fi
else
  echo "skip - in somebody else's tree it runs as well: needs root to become somebody else"
fi

touch "$tree/core/src/main/java/module-info.java"
try "$tree/sluice" --version
if [ "$code" -eq 0 ] && [ "$(cat "$tmp/out")" = "$version" ] && [ "$(builds)" -eq 2 ]; then
  ok "a newer source is built"
else
  not_ok "a newer source is built ($(builds) builds)"
fi

echo 'no Java' >> "$tree/cli/src/main/java/io/sluice/cli/Main.java"
try "$tree/sluice" --version
if [ "$code" -eq 70 ] && [ ! -s "$tmp/out" ] && grep -q 'sluice: the build failed$' "$tmp/err"; then
  ok "a build that fails says so, on standard error alone"
else
  not_ok "a build that fails says so, on standard error alone"
fi
exit $bad
