#!/usr/bin/env python3
import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from cdk_microvm_sandbox import IdlePolicy, ImageSource, MemorySize, SandboxImage, SandboxNetwork, SandboxPool
from constructs import Construct


class AnalystStack(cdk.Stack):
    """Sandboxes with pandas, and a function that may use them."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        image = SandboxImage(
            self,
            "Image",
            source=ImageSource.sandbox(python_packages=["pandas"], system_packages=["jq"]),
            memory=MemorySize.MIB_2048,
        )
        pool = SandboxPool(
            self,
            "Pool",
            image=image,
            network=SandboxNetwork.internet(),
            max_sandboxes=20,
            default_timeout=cdk.Duration.hours(1),
            idle_policy=IdlePolicy.suspend_after(cdk.Duration.minutes(5)),
        )

        agent = lambda_.Function(
            self,
            "Agent",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline("def handler(event, context): return event"),
        )
        pool.connect(agent)

        cdk.CfnOutput(self, "ImageVersion", value=image.image_version)
        cdk.CfnOutput(self, "SandboxPool", value=pool.allocator_arn)


app = cdk.App()
AnalystStack(app, "Analyst")
app.synth()
