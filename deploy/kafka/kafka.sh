#!/usr/bin/env bash
# Apache Kafka (KRaft, no ZooKeeper) on this machine, for development and tests. Loopback only, no passwords:
# never for patients. See README.md beside this file.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

usage() {
    cat <<'TEXT'
usage: kafka.sh start  [--brokers N] [--port P] [--dir DIR] [--with PID]
       kafka.sh stop   [--dir DIR] [--wipe]
       kafka.sh status [--dir DIR]

  --brokers N  1 (default) or 3; with 3, topics get three replicas and min.insync.replicas 2
  --port P     first port, default 19092: brokers take P, P+1, ..., their controllers the N ports after
  --dir DIR    data, logs and pid files, default deploy/kafka/.run
  --with PID   stop, and remove the data, as soon as the process PID has ended (for test runs)
  --wipe       remove the data as well

start prints one line, bootstrap=127.0.0.1:P[,...], once every broker answers, and is harmless to repeat.
Environment: KAFKA_HEAP_OPTS (default "-Xms128m -Xmx512m"), KAFKA_JVM_OPTS (default
"-XX:TieredStopAtLevel=1": starts sooner, runs slower; " " for benchmarks), KAFKA_START_TIMEOUT_S (120).
TEXT
}

fail() {
    printf 'kafka.sh: %s\n' "$*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null 2>&1 || fail "'$1' is not on PATH: $2"
}

# ---------------------------------------------------------------------------------------- arguments
[ $# -ge 1 ] || { usage >&2; exit 2; }
command="$1"
shift
brokers=1
port=19092
dir="$here/.run"
owner=""
wipe=no
while [ $# -gt 0 ]; do
    case "$1" in
        --brokers | --port | --dir | --with)
            [ $# -ge 2 ] || fail "$1 needs a value"
            case "$1" in
                --brokers) brokers="$2" ;;
                --port) port="$2" ;;
                --dir) dir="$2" ;;
                --with) owner="$2" ;;
            esac
            shift 2
            ;;
        --wipe) wipe=yes; shift ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; fail "unknown argument '$1'" ;;
    esac
done
case "$brokers" in 1 | 3) ;; *) fail "--brokers must be 1 or 3, not '$brokers'" ;; esac
case "$port" in '' | *[!0-9]*) fail "--port must be a number, not '$port'" ;; esac
case "$owner" in *[!0-9]*) fail "--with must be a process id, not '$owner'" ;; esac

# ------------------------------------------------------------------------------------------- pieces
# The pid of broker $1, if it runs. A pid file of before a reboot may name a stranger: its arguments tell.
running() {
    local pid
    [ -f "$dir/broker-$1/pid" ] || return 1
    pid="$(cat "$dir/broker-$1/pid")"
    ps -o args= -p "$pid" 2>/dev/null | grep -qF "$dir/broker-$1/server.properties" || return 1
    printf '%s' "$pid"
}

nodes_on_disk() {
    find "$dir" -mindepth 1 -maxdepth 1 -type d -name 'broker-*' 2>/dev/null | wc -l | tr -d ' '
}

bootstrap() {
    local i list=""
    for ((i = 1; i <= brokers; i++)); do list="$list,127.0.0.1:$((port + i - 1))"; done
    printf 'bootstrap=%s\n' "${list#,}"
}

# The jars, resolved once for each content of pom.xml. They are moved into place whole, so that neither an
# interrupted download nor two at once leave half a set.
resolve_jars() {
    local sum new
    sum="$(cksum <"$here/pom.xml" | cut -d' ' -f1)"
    libs="$here/target/libs-$sum"
    [ -d "$libs" ] && return
    need mvn "install Apache Maven (it fetches Kafka's jars, once)"
    new="$libs.$$"
    mkdir -p "$here/target"
    printf 'kafka.sh: fetching Apache Kafka with Maven, once ...\n' >&2
    if ! mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
        "-DoutputDirectory=$new" >"$here/target/maven.log" 2>&1; then
        tail -n 30 "$here/target/maven.log" >&2
        rm -rf "$new"
        fail "Maven could not fetch Kafka's jars; its words are above and in $here/target/maven.log"
    fi
    mv "$new" "$libs" 2>/dev/null || rm -rf "$new"
    [ -d "$libs" ] || fail "$libs is not there after the download"
    # Another start may have won the race: then mv put our copy inside theirs.
    rm -rf "${libs:?}/${new##*/}"
}

write_config() {
    local i="$1" voters="" n isr=1
    for ((n = 1; n <= brokers; n++)); do voters="$voters,$n@127.0.0.1:$((port + brokers + n - 1))"; done
    [ "$brokers" -ge 3 ] && isr=2
    mkdir -p "$dir/broker-$i"
    cat >"$dir/broker-$i/server.properties" <<CONFIG
process.roles=broker,controller
node.id=$i
controller.quorum.voters=${voters#,}
controller.listener.names=CONTROLLER
listeners=CLIENT://127.0.0.1:$((port + i - 1)),CONTROLLER://127.0.0.1:$((port + brokers + i - 1))
advertised.listeners=CLIENT://127.0.0.1:$((port + i - 1))
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
log.dirs=$dir/broker-$i/data

# A topic that nobody made is a mistake, and must look like one.
auto.create.topics.enable=false
num.partitions=4
default.replication.factor=$brokers
min.insync.replicas=$isr

# Records of any century: nothing is refused for its timestamp (4.x: at most one hour ahead), nothing ages away
# unless a topic says so.
log.message.timestamp.before.max.ms=9223372036854775807
log.message.timestamp.after.max.ms=9223372036854775807
log.retention.ms=-1
log.retention.bytes=-1

# Quick: few internal partitions, no wait for a group's second member, a cleaner that looks each second.
offsets.topic.num.partitions=4
offsets.topic.replication.factor=$brokers
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=$brokers
transaction.state.log.min.isr=$isr
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=$brokers
share.coordinator.state.topic.min.isr=$isr
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.backoff.ms=1000
log.cleaner.dedupe.buffer.size=16777216
log.index.size.max.bytes=1048576
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=1
background.threads=2
CONFIG
}

format_storage() {
    local i="$1"
    [ -f "$dir/broker-$i/data/meta.properties" ] && return
    if ! java -Xmx128m -XX:TieredStopAtLevel=1 "${options[@]}" kafka.tools.StorageTool format \
        --cluster-id "$(cat "$dir/cluster.id")" --config "$dir/broker-$i/server.properties" \
        >"$dir/broker-$i/format.log" 2>&1; then
        tail -n 30 "$dir/broker-$i/format.log" >&2
        return 1
    fi
}

launch() {
    local i="$1" log="$dir/broker-$1/server.log"
    [ -f "$log" ] && mv "$log" "$log.1"
    # nohup: a closed terminal, or Ctrl-C in the test run that asked for the broker, is not an order to it.
    trap '' INT HUP
    # shellcheck disable=SC2086  # options are words
    nohup java ${KAFKA_HEAP_OPTS:--Xms128m -Xmx512m} "${options[@]}" ${KAFKA_JVM_OPTS:--XX:TieredStopAtLevel=1} \
        kafka.Kafka "$dir/broker-$i/server.properties" >"$log" 2>&1 </dev/null &
    echo $! >"$dir/broker-$i/pid"
    trap - INT HUP
}

await_ready() {
    local i deadline=$((SECONDS + ${KAFKA_START_TIMEOUT_S:-120}))
    for ((i = 1; i <= brokers; i++)); do
        until grep -q 'Kafka Server started' "$dir/broker-$i/server.log" 2>/dev/null; do
            # Not `running`: until the child has become Java, its arguments are still this script's.
            if ! kill -0 "$(cat "$dir/broker-$i/pid")" 2>/dev/null; then
                tail -n 40 "$dir/broker-$i/server.log" >&2
                printf 'kafka.sh: broker %s ended while starting; its log is above\n' "$i" >&2
                return 1
            fi
            if [ "$SECONDS" -ge "$deadline" ]; then
                tail -n 40 "$dir/broker-$i/server.log" >&2
                printf 'kafka.sh: broker %s was not ready in time; its log is above\n' "$i" >&2
                return 1
            fi
            sleep 0.1
        done
    done
}

stop_all() {
    local i pid deadline n
    n="$(nodes_on_disk)"
    for ((i = 1; i <= n; i++)); do
        if pid="$(running "$i")"; then kill "$pid" 2>/dev/null || true; fi
    done
    # A broker that shuts down last has no quorum left to tell, and waits for it: it need not.
    deadline=$((SECONDS + 10))
    for ((i = 1; i <= n; i++)); do
        while pid="$(running "$i")"; do
            if [ "$SECONDS" -ge "$deadline" ]; then kill -9 "$pid" 2>/dev/null || true; fi
            sleep 0.1
        done
        rm -f "$dir/broker-$i/pid"
    done
}

wipe_all() {
    local i n
    n="$(nodes_on_disk)"
    for ((i = 1; i <= n; i++)); do rm -rf "$dir/broker-$i"; done
    rm -f "$dir/cluster.id" "$dir/settings"
    rmdir "$dir" 2>/dev/null || true
}

# Ends the brokers after the process that wanted them, even one killed without a word.
watch_owner() {
    (
        trap '' INT HUP
        while kill -0 "$owner" 2>/dev/null; do
            running 1 >/dev/null || exit 0 # stopped in the ordinary way
            sleep 1
        done
        stop_all
        wipe_all
    ) >/dev/null 2>&1 </dev/null &
}

# ----------------------------------------------------------------------------------------- commands
start() {
    local i p up=0 wanted pids=()
    need java "install Java 17 or newer (e.g. apt-get install openjdk-17-jre-headless)"
    mkdir -p "$dir"
    dir="$(cd "$dir" && pwd)"
    wanted="brokers=$brokers port=$port"
    for ((i = 1; i <= $(nodes_on_disk); i++)); do
        if running "$i" >/dev/null; then up=$((up + 1)); fi
    done
    if [ "$up" -gt 0 ]; then
        [ "$(cat "$dir/settings")" = "$wanted" ] ||
            fail "already running with $(cat "$dir/settings"); stop it first, or choose another --dir"
        if [ "$up" -eq "$brokers" ]; then
            bootstrap
            return
        fi
    elif [ "$(nodes_on_disk)" -gt 0 ] && [ "$(nodes_on_disk)" -ne "$brokers" ]; then
        fail "$dir holds the data of $(nodes_on_disk) broker(s), not $brokers; 'stop --wipe' it, or choose another --dir"
    fi
    resolve_jars
    # The "*" of the class path is for Java to expand, not for the shell.
    options=(-XX:+UseSerialGC -Xshare:auto -Djava.awt.headless=true
        "-Dlog4j2.configurationFile=$here/log4j2.xml" -cp "$libs/*")
    echo "$wanted" >"$dir/settings"
    # 16 random bytes in URL-safe base64, as Kafka writes its ids; a leading '-' would read as an option.
    [ -s "$dir/cluster.id" ] ||
        printf 's%s\n' "$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c2-22)" >"$dir/cluster.id"
    for ((i = 1; i <= brokers; i++)); do
        running "$i" >/dev/null && continue
        for p in $((port + i - 1)) $((port + brokers + i - 1)); do
            if (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; then
                fail "port $p is taken by another program; choose another --port"
            fi
        done
        write_config "$i"
        format_storage "$i" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i" || fail "could not format the storage; the reason is above"; done
    for ((i = 1; i <= brokers; i++)); do
        running "$i" >/dev/null || launch "$i"
    done
    if ! await_ready; then
        stop_all
        exit 1
    fi
    [ -z "$owner" ] || watch_owner
    bootstrap
}

status() {
    local i n up=0 pid
    n="$(nodes_on_disk)"
    for ((i = 1; i <= n; i++)); do
        if pid="$(running "$i")"; then
            up=$((up + 1))
            echo "broker $i: running, pid $pid, log $dir/broker-$i/server.log"
        else
            echo "broker $i: stopped"
        fi
    done
    if [ "$up" -eq 0 ]; then
        echo "not running ($dir)"
        exit 3
    fi
    brokers="$n"
    port="$(sed -n 's/.*port=//p' "$dir/settings")"
    bootstrap
    [ "$up" -eq "$n" ] || exit 4
}

case "$command" in
    start) start ;;
    stop | status)
        [ -d "$dir" ] || {
            echo "not running ($dir does not exist)"
            [ "$command" = stop ] && exit 0
            exit 3
        }
        dir="$(cd "$dir" && pwd)"
        if [ "$command" = status ]; then
            status
        else
            stop_all
            [ "$wipe" = no ] || wipe_all
        fi
        ;;
    -h | --help | help) usage ;;
    *) usage >&2; fail "unknown command '$command'" ;;
esac
