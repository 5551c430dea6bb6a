# A private S3-type server (moto) on a free loopback port, which checks signatures.
# Tells its address and keys in one line; then makes the object each line of its input names, `KEY TAB BODY`; ends with its input.
# The guest may read all but `refuse.xml`, until a line names no key.
import json
import sys

import boto3
from moto import settings
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
reach = {"endpoint_url": f"http://{host}:{port}", "region_name": "eu-west-3"}


def client(service, access, secret):
    return boto3.client(service, aws_access_key_id=access, aws_secret_access_key=secret, **reach)


def allow(iam, name, action, denied=()):
    statements = [{"Effect": "Allow", "Action": action, "Resource": "*"}]
    statements += [{"Effect": "Deny", "Action": "s3:GetObject", "Resource": resource} for resource in denied]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)


def user(iam, name, action, denied=()):
    iam.create_user(UserName=name)
    allow(iam, name, action, denied)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


iam = client("iam", "first", "first")
here = {"LocationConstraint": "eu-west-3"}
client("s3", "first", "first").create_bucket(Bucket="extraits", CreateBucketConfiguration=here)
access, secret = user(iam, "hub", ["s3:*", "iam:PutUserPolicy"])
reader, reader_secret = user(iam, "reader", "s3:GetObject")
guest, guest_secret = user(iam, "guest", "s3:*", ["arn:aws:s3:::extraits/depot/refuse.xml"])
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0.0
told = {"port": port, "access": access, "secret": secret, "reader": reader, "reader_secret": reader_secret}
told |= {"guest": guest, "guest_secret": guest_secret}
print(json.dumps(told), flush=True)
bucket, rights = client("s3", access, secret), client("iam", access, secret)
for line in sys.stdin:
    key, body = line.rstrip("\n").split("\t")
    if not key:
        allow(rights, "guest", "s3:*")
        print("made", flush=True)
        continue
    bucket.put_object(Bucket="extraits", Key=key, Body=body.encode())
    print("made", flush=True)
