import django.db.models.deletion
import django.db.models.functions.datetime
import metabrm.fields
from django.conf import settings
from django.db import migrations, models
from metabrm.migrating import Together


# Usage in flight: the records of loads after they were mapped and before they are rated. It can be
# made again from the source, so nothing of it is logged.
USAGE = """
CREATE UNLOGGED TABLE mediation_usage (
    load_id bigint NOT NULL,
    line bigint NOT NULL,
    shard smallint NOT NULL,
    collector_id bigint NOT NULL,
    account_id bigint,
    account_product_id bigint,
    product_id bigint,
    billing_identifier_id bigint,
    usage_identifier text,
    token text,
    activity_date timestamptz,
    quantity numeric,
    charge_type text,
    origin_id bigint,
    destination_id bigint,
    override_rate numeric,
    override_cost numeric,
    buy_cost numeric,
    signature uuid,
    late text,
    cause text,
    reason text,
    collector_fields_id bigint,
    raw jsonb,
    extra jsonb
);
CREATE INDEX mediation_usage_shard ON mediation_usage (load_id, shard)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0003_components'),
        ('mediation', '0002_months'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Together([
            migrations.CreateModel(
                name='ActivityCollectorControl',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('sort_order', models.IntegerField(default=0, help_text='Place among its like, low first.')),
                    ('place', metabrm.fields.ListField(default='TRAILER', help_text='Where it stands: in the lines skipped at the beginning (SkipRows) or at the end (OmitEnd).', max_length=100)),
                    ('line_number', models.PositiveIntegerField(default=1, help_text='Which of these lines, from 1, in the order of the file.')),
                    ('position', models.CharField(help_text='Where in the line: the number of the column, or the characters 11-20.', max_length=100)),
                    ('kind', metabrm.fields.ListField(default='RECORD COUNT', help_text='What it says: how many records there are, the sum of a column, or the text of Expected.', max_length=100)),
                    ('source', models.CharField(blank=True, help_text='SUM: the column that is added up, written as in a mapping.', max_length=500, null=True)),
                    ('expected', models.CharField(blank=True, help_text='TEXT: what stands there.', max_length=255, null=True)),
                ],
                options={
                    'verbose_name': 'collector control',
                    'verbose_name_plural': 'collector controls',
                },
            ),
            migrations.CreateModel(
                name='ActivityCollectorFilter',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('sort_order', models.IntegerField(default=0, help_text='Place among its like, low first.')),
                    ('name', models.CharField(blank=True, help_text='What it is about.', max_length=255, null=True)),
                    ('formula', models.CharField(help_text="True of the records that are taken: {!Type} = 'CALL', over the names of columns. All filters of a collector must be.", max_length=4000)),
                ],
                options={
                    'verbose_name': 'collector filter',
                    'verbose_name_plural': 'collector filters',
                },
            ),
            migrations.CreateModel(
                name='ActivityCollectorLabel',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('sort_order', models.IntegerField(default=0, help_text='Place among its like, low first.')),
                    ('formula', models.CharField(blank=True, help_text='True of the records that raise it, over the names of columns; empty = all do.', max_length=4000, null=True)),
                ],
                options={
                    'verbose_name': 'collector label',
                    'verbose_name_plural': 'collector labels',
                },
            ),
            migrations.CreateModel(
                name='ActivityCollectorMap',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('sort_order', models.IntegerField(default=0, help_text='Place among its like, low first.')),
                    ('name', models.CharField(blank=True, help_text='What formulas call the source where it has no name of its own: {!Caller}.', max_length=100, null=True)),
                    ('source', models.CharField(blank=True, help_text="Where the value stands in a record: the column's name or number, the characters 11-20 of a fixed-width line, the path data.bytes or item/@id of JSON and XML.", max_length=500, null=True)),
                    ('target', models.CharField(blank=True, help_text='The field that it fills: one of COLLECTOR_FIELDS (BillingIdentifier, ACTIVITY_DATE, Quantity), UsageIdentifier, or a custom field of ACTIVITY; empty = it only has a name.', max_length=100, null=True)),
                    ('default_value', models.CharField(blank=True, help_text='What it is where the source has none.', max_length=255, null=True)),
                    ('formula', models.CharField(blank=True, help_text='What it is made of in place of Source: {!Up} + {!Down}, over the names of columns.', max_length=4000, null=True)),
                    ('date_format', models.CharField(blank=True, help_text='How a date is written: YYYY, YY, MM, DD, HH24, MI, SS and any signs between, EPOCH or EPOCH_MS; empty = ISO 8601.', max_length=100, null=True)),
                    ('multiplier', metabrm.fields.QuantityField(blank=True, decimal_places=10, help_text='What a number is multiplied by: 0.0166666667 of seconds.', max_digits=28, null=True)),
                    ('signature_flag', metabrm.fields.FlagField(db_default=False, default=False, help_text='Records in which all fields so marked are equal are one; without any marked, those whose mapped fields are all equal.', verbose_name='part of the signature')),
                    ('consolidation', metabrm.fields.ListField(blank=True, help_text='What becomes of the values of one signature: their sum, or the record with the highest stays. Without any so marked quantities are added up.', max_length=100, null=True)),
                ],
                options={
                    'verbose_name': 'collector mapping',
                    'verbose_name_plural': 'collector mappings',
                },
            ),
            migrations.CreateModel(
                name='LoadShard',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('shard', models.SmallIntegerField()),
                    ('rated', models.BooleanField(db_default=False, default=False)),
                ],
            ),
            migrations.CreateModel(
                name='UsageEvent',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('event', models.TextField(help_text='The CloudEvent, as JSON.')),
                    ('received', models.DateTimeField()),
                ],
            ),
            migrations.AddField(
                model_name='activitycollector',
                name='encoding',
                field=metabrm.fields.ListField(default='UTF-8', help_text="How the source's characters are written as bytes.", max_length=100),
            ),
            migrations.AddField(
                model_name='activitycollector',
                name='header_row_flag',
                field=metabrm.fields.FlagField(db_default=False, default=False, help_text='The first line behind those skipped names the columns; off: they are called Column1, Column2 and so on.', verbose_name='column names'),
            ),
            migrations.AddField(
                model_name='activitycollector',
                name='host_key',
                field=models.CharField(blank=True, help_text='Public key by which the server is known: ssh-ed25519 AAAA… Without it nothing is sent to the server.', max_length=1000, null=True),
            ),
            migrations.AddField(
                model_name='activitycollector',
                name='last_sequence_number',
                field=models.BigIntegerField(blank=True, help_text='Number of the last file, by its name.', null=True),
            ),
            migrations.AddField(
                model_name='activitycollector',
                name='late_usage_policy',
                field=metabrm.fields.ListField(default='CURRENT PERIOD', help_text='Usage of a period whose invoice is closed: it goes on the current invoice, on that of its own period where that is open, or waits in suspense. RejectClosedFlag has it wait.', max_length=100),
            ),
            migrations.AddField(
                model_name='activitycollector',
                name='password',
                field=metabrm.fields.EncryptedField(blank=True, help_text="The user's password at the source. It is encrypted, and never shown.", null=True),
            ),
            migrations.AddField(
                model_name='activitycollector',
                name='private_key',
                field=metabrm.fields.EncryptedField(blank=True, help_text="The user's private key (OpenSSH or PEM) at the source, in place of a password. It is encrypted, and never shown.", null=True),
            ),
            migrations.AddField(
                model_name='activitycollector',
                name='record_path',
                field=models.CharField(blank=True, help_text='XML: the elements that are records, as in usage/record; empty = those below the root.', max_length=255, null=True),
            ),
            migrations.AddField(
                model_name='activitycollector',
                name='sequence_pattern',
                field=models.CharField(blank=True, help_text='File names with their number: usage_{sequence}_*.csv. A number that is left out or comes again is told.', max_length=255, null=True),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='archive_place',
                field=models.CharField(blank=True, help_text='Where the file lies now.', max_length=1000, null=True),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='attempts',
                field=models.IntegerField(default=0, help_text='How often a worker has begun.'),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='cause',
                field=models.CharField(blank=True, help_text='Source SUSPENSE: the cause whose usage is taken up; empty = all of the collector.', max_length=100, null=True),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='consolidated_count',
                field=models.PositiveIntegerField(default=0, help_text='How many records were added to another one.'),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='duplicate_count',
                field=models.PositiveIntegerField(default=0, help_text='How many records repeated another one and were dropped.'),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='file_size',
                field=models.BigIntegerField(blank=True, help_text='Bytes of the file.', null=True),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='filtered_count',
                field=models.PositiveIntegerField(default=0, help_text="How many records were left out by the collector's filters."),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='heartbeat',
                field=models.DateTimeField(blank=True, help_text='When a worker was last seen at it.', null=True),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='identity',
                field=models.CharField(blank=True, help_text='What the load is of.', max_length=200, null=True),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='next_attempt',
                field=models.DateTimeField(blank=True, help_text='When it is tried again.', null=True),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='notice',
                field=models.CharField(blank=True, help_text='What was noticed, such as files left out before this one.', max_length=4000, null=True),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='progress',
                field=models.IntegerField(default=0, help_text='Per cent.'),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='rated_amount',
                field=metabrm.fields.QuantityField(blank=True, decimal_places=10, help_text='Sum of the amounts, whatever their currencies.', max_digits=28, null=True),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='rated_count',
                field=models.PositiveIntegerField(default=0, help_text='How many charges were made; one record may be charged to several.'),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='reversed_count',
                field=models.PositiveIntegerField(default=0, help_text='How many charges were taken back.'),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='reversed_date',
                field=models.DateTimeField(blank=True, help_text='When it was taken back.', null=True),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='sequence_number',
                field=models.BigIntegerField(blank=True, help_text='Number of the file, by its name.', null=True),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='sha256',
                field=models.CharField(blank=True, help_text='SHA-256 of the file.', max_length=64, null=True, verbose_name='SHA-256'),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='source',
                field=metabrm.fields.ListField(default='API', help_text='Where its records came from.', max_length=100),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='stage',
                field=models.CharField(db_default='', default='', max_length=20),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='suspended_count',
                field=models.PositiveIntegerField(default=0, help_text='How many records went to suspense.'),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='total_quantity',
                field=metabrm.fields.QuantityField(blank=True, decimal_places=10, help_text='Sum of the quantities that were charged.', max_digits=28, null=True),
            ),
            migrations.AddField(
                model_name='activitycollectorhistory',
                name='usage_file',
                field=models.FileField(blank=True, help_text='The file with the usage; when it is here, it is read.', max_length=500, null=True, upload_to=''),
            ),
            migrations.AddField(
                model_name='collectorfields',
                name='cause',
                field=models.CharField(blank=True, help_text='Why it is in suspense, as a code: UNKNOWN_TOKEN.', max_length=100, null=True),
            ),
            migrations.AddField(
                model_name='collectorfields',
                name='extra_fields',
                field=models.JSONField(blank=True, help_text='What is to be put into custom fields of ACTIVITY.', null=True),
            ),
            migrations.AddField(
                model_name='collectorfields',
                name='file_line',
                field=models.BigIntegerField(blank=True, help_text='Line of the file on which it begins.', null=True),
            ),
            migrations.AddField(
                model_name='collectorfields',
                name='raw_record',
                field=models.TextField(blank=True, help_text='The record as the source wrote it, as JSON or text.', null=True),
            ),
            migrations.AddField(
                model_name='collectorfields',
                name='reason',
                field=models.CharField(blank=True, help_text='Why it is in suspense, in words.', max_length=4000, null=True),
            ),
            migrations.AddField(
                model_name='collectorfields',
                name='signature',
                field=models.UUIDField(editable=False, null=True),
            ),
            migrations.AddField(
                model_name='collectorfields',
                name='usage_identifier',
                field=models.CharField(blank=True, help_text="The label that it raises, in place of the collector's.", max_length=255, null=True),
            ),
            migrations.AlterField(
                model_name='activitycollector',
                name='record_format',
                field=models.CharField(blank=True, help_text='How records are written: DELIMITED (or CSV; also when empty), FIXED WIDTH, JSON (an object a line), XML or PARQUET.', max_length=100, null=True),
            ),
            migrations.AlterField(
                model_name='activitycollectorhistory',
                name='status',
                field=metabrm.fields.ListField(default='PENDING LOGOUT', help_text='How far the load has come; PENDING LOGOUT: more may still come. PARKED: its file was tried often enough; set it to PENDING to try again. A load that is COMPLETED is taken back by REVERSED.', max_length=100),
            ),
            migrations.AlterField(
                model_name='collectorfields',
                name='reprocess_status',
                field=models.CharField(blank=True, help_text='Set it to RESUBMIT to have usage in suspense taken up again; it says how far it came.', max_length=100, null=True),
            ),
            migrations.AddIndex(
                model_name='activitycollectorhistory',
                index=models.Index(condition=models.Q(('status__in', ['PENDING LOGOUT', 'PENDING', 'RUNNING', 'REVERSING'])), fields=['status', 'id'], name='mediation_load_unfinished'),
            ),
            migrations.AddIndex(
                model_name='collectorfields',
                index=models.Index(condition=models.Q(('cause__isnull', False)), fields=['activity_collector', 'cause'], name='mediation_suspense_cause'),
            ),
            migrations.AddConstraint(
                model_name='activitycollectorhistory',
                constraint=models.UniqueConstraint(condition=models.Q(('identity__isnull', False)), fields=('identity',), name='mediation_activitycollectorhistory_identity_key'),
            ),
            migrations.AddField(
                model_name='activitycollectorcontrol',
                name='activity_collector',
                field=models.ForeignKey(help_text='The collector it belongs to.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='mediation.activitycollector'),
            ),
            migrations.AddField(
                model_name='activitycollectorcontrol',
                name='created_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='activitycollectorcontrol',
                name='updated_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='activitycollectorfilter',
                name='activity_collector',
                field=models.ForeignKey(help_text='The collector it belongs to.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='mediation.activitycollector'),
            ),
            migrations.AddField(
                model_name='activitycollectorfilter',
                name='created_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='activitycollectorfilter',
                name='updated_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='activitycollectorlabel',
                name='activity_collector',
                field=models.ForeignKey(help_text='The collector it belongs to.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='mediation.activitycollector'),
            ),
            migrations.AddField(
                model_name='activitycollectorlabel',
                name='created_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='activitycollectorlabel',
                name='updated_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='activitycollectorlabel',
                name='usage_identifier',
                field=models.ForeignKey(help_text='The label that is raised.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.usageidentifier'),
            ),
            migrations.AddField(
                model_name='activitycollectormap',
                name='activity_collector',
                field=models.ForeignKey(help_text='The collector it belongs to.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='mediation.activitycollector'),
            ),
            migrations.AddField(
                model_name='activitycollectormap',
                name='created_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='activitycollectormap',
                name='updated_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='loadshard',
                name='load',
                field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='mediation.activitycollectorhistory'),
            ),
            migrations.AddField(
                model_name='usageevent',
                name='activity_collector',
                field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='mediation.activitycollector'),
            ),
            migrations.AddField(
                model_name='usageevent',
                name='load',
                field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='mediation.activitycollectorhistory'),
            ),
            migrations.AddConstraint(
                model_name='activitycollectorcontrol',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='mediation_activitycollectorcontrol_external_key_key'),
            ),
            migrations.AddConstraint(
                model_name='activitycollectorfilter',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='mediation_activitycollectorfilter_external_key_key'),
            ),
            migrations.AddConstraint(
                model_name='activitycollectorlabel',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='mediation_activitycollectorlabel_external_key_key'),
            ),
            migrations.AddConstraint(
                model_name='activitycollectormap',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='mediation_activitycollectormap_external_key_key'),
            ),
            migrations.AddConstraint(
                model_name='loadshard',
                constraint=models.UniqueConstraint(fields=('load', 'shard'), name='mediation_loadshard_key'),
            ),
            migrations.AddIndex(
                model_name='usageevent',
                index=models.Index(fields=['activity_collector', 'load'], name='mediation_event_load'),
            ),
        ]),
        migrations.RunSQL(USAGE, "DROP TABLE mediation_usage"),
    ]
