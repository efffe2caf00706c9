# SPDX-License-Identifier: Apache-2.0
# Sourced by ./sluice and ./check: finds a JDK and runs Maven with it. Expects `home`, the root of the source tree.

: "${JDK_WANTED:=25}"

# Sets jdk and jdk_id when the directory $1 holds a JDK that is new enough. The file `release` tells: asking the JVM
# itself would cost every run of ./sluice 30 ms.
use_jdk() {
  [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
  version='' runtime='' vendor=''
  while IFS='=' read -r key value; do
    value=${value#\"} value=${value%\"}
    case $key in
      JAVA_VERSION) version=$value ;;
      JAVA_RUNTIME_VERSION) runtime=$value ;;
      IMPLEMENTOR) vendor=${value%%[!A-Za-z0-9]*} ;;
      MODULES) break ;; # a long line, and read(1) takes one system call per byte
    esac
  done < "$1/release"
  major=${version%%[!0-9]*}
  [ -n "$major" ] && [ "$major" -ge "$JDK_WANTED" ] || return 1
  jdk=$1 jdk_id=$vendor-${runtime:-$version}
}

# Sets jdk and jdk_id: JAVA_HOME, else the java on the PATH, else the usual places. An older JDK is passed by.
find_jdk() {
  [ -n "${JAVA_HOME:-}" ] && use_jdk "$JAVA_HOME" && return
  java=$(command -v java) && java=$(readlink -f "$java") && use_jdk "${java%/bin/java}" && return
  for place in /usr/lib/jvm/* /usr/java/* /opt/* "${HOME:-}"/.sdkman/candidates/java/* "${HOME:-}"/.jdks/*; do
    use_jdk "$place" && return
  done
  return 1
}

# Runs Maven on the source tree. It never reads our standard input, which may be the user's data.
maven() {
  # Maven's own libraries use what newer JDKs warn about.
  quiet='--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow'
  (cd "$home" && JAVA_HOME=$jdk MAVEN_OPTS="${MAVEN_OPTS:-} $quiet" exec mvn -B -ntp -Dstyle.color=never "$@" < /dev/null)
}
