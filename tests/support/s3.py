# A private S3-type server (moto) on a free loopback port, which checks signatures.
# Tells its address and a key in one line; then makes the object each line of its input names, `KEY TAB BODY`; ends with its input.
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


def user(iam, name, action):
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(allowed))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


iam = client("iam", "first", "first")
here = {"LocationConstraint": "eu-west-3"}
client("s3", "first", "first").create_bucket(Bucket="extraits", CreateBucketConfiguration=here)
access, secret = user(iam, "hub", "s3:*")
reader, reader_secret = user(iam, "reader", "s3:GetObject")
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0.0
told = {"port": port, "access": access, "secret": secret, "reader": reader, "reader_secret": reader_secret}
print(json.dumps(told), flush=True)
bucket = client("s3", access, secret)
for line in sys.stdin:
    key, body = line.rstrip("\n").split("\t")
    bucket.put_object(Bucket="extraits", Key=key, Body=body.encode())
    print("made", flush=True)
