import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models
from metabrm.migrating import Elsewhere, InMonths, Together


class Migration(migrations.Migration):

    dependencies = [
        ('mediation', '0001_initial'),
        ('receivables', '0003_credited_charges'),
        ('tax', '0002_details'),
    ]

    operations = [
        Together([
            migrations.RemoveIndex(
                model_name='activity',
                name='mediation_activity_dates',
            ),
            migrations.AddField(
                model_name='activity',
                name='activity_collector_history',
                field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The load that brought the usage.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='mediation.activitycollectorhistory', verbose_name='load'),
            ),
            migrations.AddField(
                model_name='activity',
                name='line_number',
                field=models.BigIntegerField(blank=True, help_text='Number of the record in its load, from 1.', null=True),
            ),
            migrations.AddField(
                model_name='activity',
                name='rate_source_id',
                field=models.BigIntegerField(blank=True, help_text='Id of the record that the price came from.', null=True),
            ),
            migrations.AddField(
                model_name='activity',
                name='rerated_from',
                field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The line that this one replaces, rated anew.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='mediation.activity'),
            ),
            migrations.AddField(
                model_name='activity',
                name='reversal_of',
                field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The line that this one takes back.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='mediation.activity'),
            ),
            migrations.AddField(
                model_name='activity',
                name='signature',
                field=models.UUIDField(editable=False, null=True),
            ),
            migrations.AddIndex(
                model_name='activity',
                index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['activity_date', 'updated', 'activity_collector_history'], name='mediation_activity_arrival'),
            ),
            migrations.AddIndex(
                model_name='activity',
                index=models.Index(condition=models.Q(('signature__isnull', False)), fields=['signature'], name='mediation_activity_signature'),
            ),
            Elsewhere('receivables', migrations.AlterField(
                model_name='credit',
                name='invoice_detail',
                field=models.ForeignKey(blank=True, db_constraint=False, help_text='The charge that is credited.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='mediation.activity'),
            )),
            Elsewhere('tax', migrations.AlterField(
                model_name='taxdetail',
                name='activity',
                field=models.ForeignKey(db_constraint=False, help_text='The charge that is taxed.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='mediation.activity', verbose_name='invoice detail'),
            )),
            InMonths('activity', 'activity_date'),
        ]),
    ]
