#!/bin/sh
# Starts SeaweedFS with one key that may write, one that may read, and anonymous reading of what is published below
# S3_STORE (bucket/prefix): not of plans, logs and what builders staged.
set -eu
: "${S3_STORE:?is not set}" "${S3_ACCESS_KEY:?is not set}" "${S3_SECRET_KEY:?is not set}"
: "${S3_READER_ACCESS_KEY:?is not set}" "${S3_READER_SECRET_KEY:?is not set}"
umask 077
public=
for folder in artifacts channels catalog v2 keys get-python.sh; do
    public="$public${public:+, }\"Read:$S3_STORE/$folder*\""
done
cat >/data/s3.json <<CONFIG
{"identities": [
  {"name": "farm", "credentials": [{"accessKey": "$S3_ACCESS_KEY", "secretKey": "$S3_SECRET_KEY"}],
   "actions": ["Admin", "Read", "List", "Tagging", "Write"]},
  {"name": "reader", "credentials": [{"accessKey": "$S3_READER_ACCESS_KEY", "secretKey": "$S3_READER_SECRET_KEY"}],
   "actions": ["Read:${S3_STORE%%/*}", "List:${S3_STORE%%/*}"]},
  {"name": "anonymous", "actions": [$public]}
]}
CONFIG
mkdir -p /data/files
rm -f /tmp/bucket
# The bucket, once the server takes it; the health check looks for the mark.
until echo "s3.bucket.create -name ${S3_STORE%%/*}" | timeout 20 /opt/s3/venv/bin/weed shell -master=127.0.0.1:9333 2>&1 |
    grep -qE "create bucket|exist" && touch /tmp/bucket; do
    sleep 1
done >/dev/null &
exec /opt/s3/venv/bin/weed -logtostderr=true server -dir=/data/files -ip=127.0.0.1 -ip.bind=127.0.0.1 \
    -filer -s3 -s3.ip.bind=0.0.0.0 -s3.port=8333 -s3.config=/data/s3.json -s3.port.iceberg=0 -s3.port.lance=0 \
    -master.volumeSizeLimitMB=1024 -volume.max=0 -volume.preStopSeconds=1 -master.telemetry=false
